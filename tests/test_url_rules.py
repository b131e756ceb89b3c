"""The shipped URL rules, as a step."""

from __future__ import annotations

import pyarrow as pa
import pytest

from proofpile2.stages.url_rules import UrlRules

# The entries of BAD_URLS in keirp/OpenWebMath, filtering/filter_dataset.py, that name a host, as a page of it.
HOSTS = """scribd.com unz.com noobstarter.com philpapers.org thesa.com beyondhighbrow.com careyoukeep.com eevblog.com
happyslide.net issuu.com zh-cn.unz.com vixra.org medcraveonline.com sciendo.com open.library.ubc.ca eurotrib.com
postthreads.org jim.bmj.com wanweibaike.com hzdr.de docplayer.net bookofmormonblog.org bradford-delong.com
profiles.stanford.edu vo.astronet.ru homainstallationen.at read.dukeupress.edu thewikipost.org is.tuebingen.mpg.de
discourse.darkjedibrotherhood.com springermedizin.de materials-chain.com www.unzmag.net is.mpg.de hobby8.5ch.net
forums.penny-arcade.com wowwiki.com 8chan.moe plosone.org www.is.mpg.de feeds.churchturing.org learn.gcs.edu
mobinuke.com judithcurry.com tek-tips.com skepticforum.com www.ncbi.nlm.nih.gov lastfm.it studylib.net dokumen.pub
manualzz.com fraser.stlouisfed.org worldwidescience.org science.gov archive.org www.arxiv-vanity.com bibbase.org
nrsworld.com bmjopen.bmj.com""".split()  # noqa: SIM905


def reasons(urls):
    batch = pa.RecordBatch.from_pydict({"url": pa.array(urls, pa.string())})
    return UrlRules().load()(batch).column("drop").to_pylist()


def test_every_host_of_upstream_is_covered():
    """None of the 63 entries that name a host got lost, the three that upstream's missing commas joined included."""
    found = reasons([f"https://{host}/some/page.html" for host in HOSTS])
    assert [host for host, reason in zip(HOSTS, found, strict=True) if not reason] == []
    assert found[0] == "blocked:document-dumps"


@pytest.mark.parametrize(
    "path",
    ["/authors/12/x", "/serials/7", "/profile/ann", "/author/ann", "/researcher/x", "/joursearch/", "/a/commit/1f"],
)
def test_paths_of_upstream(path):
    """Path entries, among them the merged ``/authors/`` and ``/serials/``."""
    assert reasons([f"https://site.example{path}"])[0].startswith("blocked:")


def test_mathematics_that_upstream_lost_by_accident_stays():
    """Substrings of the whole URL hit other hosts and words."""
    kept = [
        "https://www.mis.mpg.de/preprints/1.html",  # is.mpg.de
        "https://mathesa.com/geometry",  # thesa.com
        "https://crypto.example/commitment-schemes",  # /commit
        "https://proceedings.mlr.example/v1/paper.html",  # proceedings
        "https://cs.example/notes/search/dfs.html",  # /search
        "https://site.example/papers/permissnotes.html",  # issn
        "https://math.stackexchange.com/questions/7/why",
        None,
        "not a url",
    ]
    assert reasons(kept) == [None] * len(kept)
