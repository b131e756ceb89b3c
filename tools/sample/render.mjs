// Render the formulas that need a real program and store the markup in rendered.json.
//
//   npm install katex@0.16.47 mathjax-full@3.2.2 @mathjax/src@4.1.3 temml@0.13.5   (in a FOLDER outside the repository)
//   python build.py --wanted | node render.mjs FOLDER > rendered.new && mv rendered.new rendered.json
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

const base = path.resolve(process.argv[2] ?? ".");
const require = createRequire(path.join(base, "package.json"));
const wanted = JSON.parse(readFileSync(0, "utf8"));

const katex = require("katex");
const temml = require("temml");

function mathjax3(output) {
  const { mathjax } = require("mathjax-full/js/mathjax.js");
  const { TeX } = require("mathjax-full/js/input/tex.js");
  const { CHTML } = require("mathjax-full/js/output/chtml.js");
  const { SVG } = require("mathjax-full/js/output/svg.js");
  const { liteAdaptor } = require("mathjax-full/js/adaptors/liteAdaptor.js");
  const { RegisterHTMLHandler } = require("mathjax-full/js/handlers/html.js");
  const { AssistiveMmlHandler } = require("mathjax-full/js/a11y/assistive-mml.js");
  const { AllPackages } = require("mathjax-full/js/input/tex/AllPackages.js");
  const adaptor = liteAdaptor();
  AssistiveMmlHandler(RegisterHTMLHandler(adaptor));
  const OutputJax = output === "svg" ? new SVG({ fontCache: "none" }) : new CHTML({});
  const doc = mathjax.document("", { InputJax: new TeX({ packages: AllPackages }), OutputJax });
  return (tex, display) => adaptor.outerHTML(doc.convert(tex, { display }));
}

async function mathjax4() {
  const { mathjax } = require("@mathjax/src/cjs/mathjax.js");
  const { TeX } = require("@mathjax/src/cjs/input/tex.js");
  require("@mathjax/src/cjs/input/tex/ams/AmsConfiguration.js");
  const { CHTML } = require("@mathjax/src/cjs/output/chtml.js");
  const { liteAdaptor } = require("@mathjax/src/cjs/adaptors/liteAdaptor.js");
  const { RegisterHTMLHandler } = require("@mathjax/src/cjs/handlers/html.js");
  const { AssistiveMmlHandler } = require("@mathjax/src/cjs/a11y/assistive-mml.js");
  const adaptor = liteAdaptor();
  AssistiveMmlHandler(RegisterHTMLHandler(adaptor));
  const doc = mathjax.document("", { InputJax: new TeX({ packages: ["base", "ams"] }), OutputJax: new CHTML({}) });
  return async (tex, display) => adaptor.outerHTML(await doc.convertPromise(tex, { display }));
}

const temmlPlain = (tex, display) =>
  temml.renderToString(tex, { displayMode: display, annotate: false, xml: true });

const engines = {
  katex: (tex, display) => katex.renderToString(tex, { displayMode: display, output: "htmlAndMathml" }),
  "katex-mathml": (tex, display) => katex.renderToString(tex, { displayMode: display, output: "mathml" }),
  temml: (tex, display) => temml.renderToString(tex, { displayMode: display, annotate: true }),
  mathml: temmlPlain,
};

const out = {};
for (const key of [...wanted].sort()) {
  const [name, mode, ...rest] = key.split("|");
  if (!(name in engines)) {
    if (name === "mj3-chtml") engines[name] = mathjax3("chtml");
    else if (name === "mj3-svg") engines[name] = mathjax3("svg");
    else if (name === "mj4-chtml") engines[name] = await mathjax4();
    else throw new Error("no engine " + name);
  }
  out[key] = await engines[name](rest.join("|"), mode === "display");
}
process.stdout.write(JSON.stringify(out, null, 0).replaceAll('","', '",\n"') + "\n");
