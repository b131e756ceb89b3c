"""The frames that sites put round a text: navigation, cookie bar, side column, share buttons, comments, footer.

A layout gets a `Page` and gives the whole HTML. What it adds round the text comes from the `Site`, so that the strings
which must not reach the extracted text are known.
"""

# ruff: noqa: E501 (the lines of the HTML are as long as those of real pages)

import html
from collections.abc import Callable
from dataclasses import dataclass, replace

from markup import attr


@dataclass(frozen=True)
class Site:
    name: str
    layout: str
    nav: tuple[str, ...]
    cookie: str = ""
    side: tuple[str, ...] = ()
    foot: str = ""

    def furniture(self) -> list[str]:
        """Strings of the frame that are long enough not to stand in a text by chance."""
        # The last line of a page from the nineties carries no sign that it is a footer.
        foot = "" if self.layout == "nineties" else self.foot
        return [text for text in (self.cookie, foot, *self.side, *self.nav) if len(text) >= 15]


@dataclass(frozen=True)
class Section:
    kind: str  # "main", "answer", "reply", "comment"
    who: str
    note: str
    html: str


@dataclass(frozen=True)
class Page:
    url: str
    title: str
    date: str
    author: str
    head: str
    lang: str
    charset: str  # what the page itself declares, or ""
    sections: tuple[Section, ...]
    site: Site

    @property
    def main(self) -> str:
        return self.sections[0].html

    def of(self, *kinds: str) -> list[Section]:
        return [section for section in self.sections[1:] if section.kind in kinds]


def links(texts: tuple[str, ...] | list[str], tag: str = "li") -> str:
    return "".join(
        f'<{tag}><a href="/{"-".join(text.lower().split())}">{html.escape(text)}</a></{tag}>' for text in texts
    )


def meta(page: Page) -> str:
    charset = f'<meta charset="{page.charset}">\n' if page.charset else ""
    return f"{charset}<title>{html.escape(page.title)} | {html.escape(page.site.name)}</title>"


def cookie(page: Page) -> str:
    if not page.site.cookie:
        return ""
    return f'<div id="cookie-banner" class="cookie-notice" role="dialog"><p>{html.escape(page.site.cookie)}</p><button>Accept</button></div>'


def side(page: Page, tag: str = "aside") -> str:
    if not page.site.side:
        return ""
    head, *rest = page.site.side
    return f'<{tag} class="sidebar" role="complementary"><h3>{html.escape(head)}</h3><ul>{links(rest)}</ul></{tag}>'


def comments(page: Page) -> str:
    found = page.of("comment")
    if not found:
        return ""
    items = "\n".join(
        f'<li class="comment"><div class="comment-author vcard">{html.escape(c.who)}</div><div class="comment-body">{c.html}</div></li>'
        for c in found
    )
    return f'<section id="comments" class="comments-area"><h2>{len(found)} comments</h2><ol class="comment-list">\n{items}\n</ol><form id="respond"><label>Leave a reply</label><textarea></textarea></form></section>'


def blog(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html lang="{page.lang}">
<head>
{meta(page)}
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/css/main.css">
{page.head}
</head>
<body>
{cookie(page)}
<header class="site-header"><a class="site-title" href="/">{html.escape(page.site.name)}</a><nav class="site-nav"><ul>{links(page.site.nav)}</ul></nav></header>
<main class="page-content">
<article class="post">
<header class="post-header"><h1 class="post-title">{page.title}</h1><p class="post-meta"><time datetime="{page.date}">{page.date}</time></p></header>
<div class="post-content">
{page.main}
</div>
</article>
{comments(page)}
</main>
{side(page)}
<footer class="site-footer"><p>{html.escape(page.site.foot)}</p></footer>
</body>
</html>
"""


def wordpress(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html lang="{page.lang}">
<head>
{meta(page)}
<meta name="generator" content="WordPress 6.4.2">
<style>body{{margin:0;font-family:Georgia,serif}}.sharedaddy{{margin:2em 0}}</style>
{page.head}
</head>
<body class="post-template-default single single-post">
<div id="page" class="site">
<a class="skip-link screen-reader-text" href="#content">Skip to content</a>
<header id="masthead" class="site-header"><p class="site-title"><a href="/">{html.escape(page.site.name)}</a></p>
<nav id="site-navigation" class="main-navigation"><ul class="menu">{links(page.site.nav)}</ul></nav></header>
<div id="content" class="site-content"><main id="main" class="site-main">
<article class="post type-post status-publish format-standard hentry">
<header class="entry-header"><h1 class="entry-title">{page.title}</h1><div class="entry-meta"><span class="posted-on">{page.date}</span></div></header>
<div class="entry-content">
{page.main}
<div class="sharedaddy sd-sharing-enabled"><h3 class="sd-title">Share this:</h3><ul><li><a href="?share=mail">Email a link to a friend</a></li><li><a href="?share=print">Print</a></li></ul></div>
</div>
<footer class="entry-footer"><span class="cat-links">Posted in <a href="/category/notes" rel="category tag">Notes</a></span></footer>
</article>
{comments(page)}
</main></div>
<div id="secondary" class="widget-area">{side(page, "section")}</div>
<footer id="colophon" class="site-footer">{html.escape(page.site.foot)}</footer>
</div>
{cookie(page)}
<script>jQuery(function($){{$('.sd-title').on('click',function(){{$(this).next().toggle();}});}});</script>
</body>
</html>
"""


def wiki(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html class="client-nojs" lang="{page.lang}" dir="ltr">
<head>
<meta charset="UTF-8">
<title>{html.escape(page.title)} - {html.escape(page.site.name)}</title>
{page.head}
</head>
<body class="mediawiki ltr sitedir-ltr ns-0 ns-subject">
<div id="mw-page-base" class="noprint"></div>
<div id="content" class="mw-body" role="main">
<h1 id="firstHeading" class="firstHeading">{page.title}</h1>
<div id="bodyContent" class="vector-body">
<div id="siteSub" class="noprint">From {html.escape(page.site.name)}</div>
<a class="mw-jump-link" href="#mw-head">Jump to navigation</a>
<div id="mw-content-text" class="mw-body-content mw-content-ltr"><div class="mw-parser-output">
{page.main}
</div></div>
<div id="catlinks" class="catlinks"><a href="/wiki/Special:Categories">Categories</a>: <ul><li><a href="/wiki/Category:Stubs">Stub articles of the week</a></li></ul></div>
</div></div>
<div id="mw-navigation"><div id="mw-panel"><nav class="vector-menu"><ul>{links(page.site.nav)}</ul></nav></div></div>
<footer id="footer" class="mw-footer" role="contentinfo"><ul><li id="footer-info-lastmod"> This page was last edited on {page.date}.</li><li>{html.escape(page.site.foot)}</li></ul></footer>
</body>
</html>
"""


def qa(page: Page) -> str:
    def post(section: Section, kind: str) -> str:
        notes = "".join(
            f'<li class="comment js-comment"><div class="comment-text"><span class="comment-copy">{c.html.removeprefix("<p>").removesuffix("</p>")}</span> &ndash; <a class="comment-user" href="/users/{len(c.who) * 731}">{c.who}</a></div></li>'
            for c in below.get(id(section), [])
        )
        return f"""<div class="{kind} js-{kind}"><div class="post-layout"><div class="votecell"><div class="js-vote-count">{section.note or "3"}</div></div>
<div class="postcell"><div class="s-prose js-post-body" itemprop="text">
{section.html}
</div>
<div class="post-menu"><a href="#">Share</a><a href="#">Improve this {kind}</a><button>Follow</button></div>
<div class="user-details"><a href="/users/{len(section.who) * 517}/{section.who}">{section.who}</a><span class="reputation-score">{len(section.who) * 211}</span></div></div>
<div class="comments"><ul class="comments-list">{notes}</ul></div></div></div>"""

    below: dict[int, list[Section]] = {}
    owner = page.sections[0]
    for section in page.sections[1:]:
        if section.kind == "comment":
            below.setdefault(id(owner), []).append(section)
        else:
            owner = section
    answers = page.of("answer")
    return f"""<!DOCTYPE html>
<html itemscope itemtype="https://schema.org/QAPage" lang="en">
<head>
<title>{html.escape(page.title)} - {html.escape(page.site.name)}</title>
{page.head}
</head>
<body class="question-page unified-theme">
<header class="s-topbar js-top-bar"><a href="/">{html.escape(page.site.name)}</a><ol>{links(page.site.nav)}</ol></header>
<div class="container"><div id="left-sidebar"><nav><ol>{links(["Questions", "Tags of the month", "Unanswered questions"])}</ol></nav></div>
<div id="content"><div id="question-header"><h1 itemprop="name"><a class="question-hyperlink" href="{attr(page.url)}">{page.title}</a></h1></div>
<div class="d-flex"><span>Asked</span> <time>{page.date}</time> <span>Viewed 2k times</span></div>
<div id="mainbar">
{post(page.sections[0], "question")}
<div id="answers"><div id="answers-header"><h2>{len(answers)} Answers</h2><label>Sorted by: Highest score (default)</label></div>
{"".join(post(a, "answer") for a in answers)}
<form id="post-form" class="js-add-answer-component"><h2>Your Answer</h2><textarea></textarea><p>By posting you agree to the terms of this service.</p></form></div></div>
{side(page, "div")}</div></div>
{cookie(page)}
<footer id="footer" class="site-footer"><p>{html.escape(page.site.foot)}</p></footer>
</body>
</html>
"""


def discourse(page: Page) -> str:
    posts = "\n".join(
        f"""<div id='post_{n}' itemprop='comment' itemscope class='topic-body crawler-post'><div class='crawler-post-meta'><span class="creator"><a href='/u/{s.who}'><span itemprop='name'>{s.who}</span></a></span></div>
<div class='post' itemprop='text'>
{s.html}
</div>
<div itemprop="interactionStatistic"><span class='post-likes'>{n} Likes</span></div></div>"""
        for n, s in enumerate((page.sections[0], *page.of("reply", "answer", "comment")), 1)
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{html.escape(page.title)} - {html.escape(page.site.name)}</title>
<meta name="generator" content="Discourse 3.2.0">
{page.head}
</head>
<body class="crawler">
<header><a href="/">{html.escape(page.site.name)}</a></header>
<div id="main-outlet" class="wrap" role="main">
<div id="topic-title"><h1><a href="{attr(page.url)}">{page.title}</a></h1><div class="topic-category"><span class="category-title"><a href="/c/help">Help with homework</a></span></div></div>
<div itemscope itemtype='http://schema.org/DiscussionForumPosting'>
{posts}
</div>
<div id="related-topics"><h3>Related topics</h3><ul>{links(list(page.site.side))}</ul></div>
</div>
<footer class="container wrap"><nav class='crawler-nav'><ul>{links(page.site.nav)}</ul></nav><p>{html.escape(page.site.foot)}</p></footer>
</body>
</html>
"""


def forum(page: Page) -> str:
    posts = "\n".join(
        f"""<table id="post{7000 + n}" class="tborder" cellpadding="6" cellspacing="0" border="0" width="100%" align="center">
<tr><td class="thead"><a name="post{7000 + n}"></a>{page.date}, 0{n}:1{n} PM</td><td class="thead" align="right">#<a href="#post{7000 + n}">{n}</a></td></tr>
<tr><td class="alt2" width="175"><a class="bigusername" href="member.php?u={n * 97}">{s.who}</a><div class="smallfont">{s.note or "Member"}</div></td>
<td class="alt1" id="td_post_{7000 + n}"><div id="post_message_{7000 + n}">
{s.html}
</div><div class="smallfont"><a href="newreply.php?p={7000 + n}">Reply With Quote</a></div></td></tr></table>"""
        for n, s in enumerate((page.sections[0], *page.of("reply", "answer", "comment")), 1)
    )
    return f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" dir="ltr" lang="en">
<head>
<meta http-equiv="Content-Type" content="text/html; charset={page.charset or "UTF-8"}" />
<meta name="generator" content="vBulletin 3.8.7" />
<title>{html.escape(page.title)} - {html.escape(page.site.name)}</title>
{page.head}
</head>
<body>
<table class="tborder" width="100%"><tr align="center" class="vbmenu_dark">{links(page.site.nav, "td")}</tr></table>
<div class="navbar">{html.escape(page.site.name)} &gt; <strong>{page.title}</strong></div>
{posts}
<table class="tborder"><tr><td class="thead">{html.escape((*page.site.side, "Similar threads on this board")[0])}</td></tr><tr><td>{links(list(page.site.side[1:]), "div")}</td></tr></table>
<div class="smallfont" align="center">All times are GMT. The time now is 03:14 PM. {html.escape(page.site.foot)}</div>
</body>
</html>
"""


def moodle(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html dir="ltr" lang="en" xml:lang="en">
<head>
<title>{html.escape(page.title)}</title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<meta name="keywords" content="moodle, {html.escape(page.title)}" />
{page.head}
</head>
<body id="page-mod-page-view" class="format-topics path-mod path-mod-page">
<div class="toast-wrapper"></div>
<nav class="fixed-top navbar" aria-label="Site navigation"><a href="/" class="navbar-brand">{html.escape(page.site.name)}</a><ul class="navbar-nav">{links(page.site.nav)}</ul><div class="usermenu"><span class="login">You are not logged in. (<a href="/login">Log in</a>)</span></div></nav>
<div id="page" class="container-fluid"><div id="page-header"><ol class="breadcrumb"><li>Home</li><li>Courses</li></ol></div>
<div id="page-content"><div id="region-main-box"><section id="region-main" aria-label="Content"><div role="main"><span id="maincontent"></span><h2>{page.title}</h2>
<div class="box generalbox center clearfix"><div class="no-overflow">
{page.main}
</div></div><div class="modified">Last modified: {page.date}</div></div></section></div>
<section id="region-pre" class="block-region">{side(page, "div")}</section></div></div>
<footer id="page-footer"><p>{html.escape(page.site.foot)}</p></footer>
</body>
</html>
"""


def journal(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html lang="en" class="grade-c">
<head>
<meta charset="UTF-8">
<title>{html.escape(page.title)} | {html.escape(page.site.name)}</title>
<meta name="citation_title" content="{attr(page.title)}"><meta name="citation_author" content="{attr(page.author)}"><meta name="citation_publication_date" content="{page.date}">
{page.head}
</head>
<body>
{cookie(page)}
<header class="c-header"><a href="/">{html.escape(page.site.name)}</a><ul>{links(page.site.nav)}</ul></header>
<main class="c-article-main-column" id="main-content"><article lang="en">
<div class="c-article-header"><ul class="c-article-identifiers"><li>Open access</li><li>Published: {page.date}</li></ul><h1 class="c-article-title">{page.title}</h1><ul class="c-article-author-list"><li>{html.escape(page.author)}</li></ul></div>
<div class="c-article-body">
{page.main}
</div>
<div class="c-article-rights"><h2>Rights and permissions</h2><p>Reprints and permissions information is available from the society.</p></div>
</article></main>
{side(page)}
<footer class="c-footer">{html.escape(page.site.foot)}</footer>
</body>
</html>
"""


def github(page: Page) -> str:
    path = page.url.rsplit("/", 1)[-1]
    return f"""<!DOCTYPE html>
<html lang="en" data-color-mode="auto">
<head>
<meta charset="utf-8">
<title>{html.escape(page.title)} at main</title>
</head>
<body class="logged-out env-production page-responsive">
<div class="header-wrapper js-header-wrapper"><a href="#start-of-content" class="js-skip-to-content">Skip to content</a><nav class="HeaderMenu" aria-label="Global"><ul>{links(page.site.nav)}</ul></nav></div>
<div class="application-main"><main>
<div id="repository-container-header"><strong><a href="/">{html.escape(page.site.name)}</a></strong><ul class="UnderlineNav-body">{links(["Code", "Issues", "Pull requests"])}</ul></div>
<div class="Box"><div class="Box-header"><span class="text-mono">{path}</span></div>
<div id="readme" class="Box-body readme blob js-code-block-container"><article class="markdown-body entry-content container-lg" itemprop="text">
<h1 dir="auto"><a id="user-content-top" class="anchor" aria-hidden="true" href="#top"></a>{page.title}</h1>
{page.main}
</article></div></div>
</main></div>
<footer class="footer" role="contentinfo"><p>{html.escape(page.site.foot)}</p></footer>
</body>
</html>
"""


def arxiv(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<title>[2105.01234] {html.escape(page.title)}</title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8">
<meta name="citation_title" content="{attr(page.title)}"/>
{page.head}
</head>
<body class="with-cu-identity">
<header><div class="is-sr-only"><a href="#content">Skip to main content</a></div><div id="header"><a href="/">{html.escape(page.site.name)}</a><form class="mini-search"><input type="text" placeholder="Search..."></form></div></header>
<main><div id="content">
<div class="dateline">[Submitted on {page.date}]</div>
<h1 class="title mathjax"><span class="descriptor">Title:</span>{page.title}</h1>
<div class="authors"><span class="descriptor">Authors:</span>{html.escape(page.author)}</div>
<blockquote class="abstract mathjax"><span class="descriptor">Abstract:</span>{page.main.replace("<p>", "").replace("</p>", "")}</blockquote>
<div class="metatable"><table><tr><td class="tablecell label">Comments:</td><td>14 pages, 3 figures</td></tr><tr><td class="tablecell label">Subjects:</td><td>Number Theory</td></tr></table></div>
<div class="submission-history"><h2>Submission history</h2>From: {html.escape(page.author)} [view email]</div>
</div>
<div class="extra-services"><h2>Access paper</h2><ul>{links(page.site.nav)}</ul><h3>{html.escape((*page.site.side, "Bookmark")[0])}</h3></div></main>
<footer>{html.escape(page.site.foot)}</footer>
</body>
</html>
"""


def sphinx(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html lang="en" data-content_root="../">
<head>
<meta charset="utf-8" />
<meta name="generator" content="Docutils 0.21" />
<title>{html.escape(page.title)} &#8212; {html.escape(page.site.name)}</title>
<link rel="stylesheet" type="text/css" href="../_static/alabaster.css" />
{page.head}
</head><body>
<div class="document"><div class="documentwrapper"><div class="bodywrapper"><div class="body" role="main">
<section id="start">
<h1>{page.title}<a class="headerlink" href="#start" title="Link to this heading">¶</a></h1>
{page.main}
</section>
</div></div></div>
<div class="sphinxsidebar" role="navigation" aria-label="Main"><div class="sphinxsidebarwrapper"><h1 class="logo"><a href="../index.html">{html.escape(page.site.name)}</a></h1><h3>Navigation</h3><ul>{links(page.site.nav)}</ul>
<search id="searchbox"><h3 id="searchlabel">Quick search</h3><form class="search" action="../search.html"><input type="text" name="q"/><input type="submit" value="Go" /></form></search></div></div>
<div class="clearer"></div></div>
<div class="footer">{html.escape(page.site.foot)} | Powered by <a href="https://www.sphinx-doc.org/">Sphinx 8.1</a></div>
</body>
</html>
"""


def doxygen(page: Page) -> str:
    return f"""<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "https://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" lang="en-US">
<head>
<meta http-equiv="Content-Type" content="text/xhtml;charset=UTF-8"/>
<meta name="generator" content="Doxygen 1.9.8"/>
<title>{html.escape(page.site.name)}: {html.escape(page.title)}</title>
<link href="tabs.css" rel="stylesheet" type="text/css"/>
<script type="text/javascript" src="jquery.js"></script>
<script type="text/javascript">$(function() {{ initMenu('',true,false,'search.php','Search'); $(document).ready(function() {{ init_search(); }}); }});</script>
</head>
<body>
<div id="top"><div id="titlearea"><table cellspacing="0" cellpadding="0"><tbody><tr id="projectrow"><td id="projectalign"><div id="projectname">{html.escape(page.site.name)}<span id="projectnumber">&#160;2.4.1</span></div></td></tr></tbody></table></div>
<div id="main-nav"><ul class="sm sm-dox">{links(page.site.nav)}</ul></div></div>
<div class="header"><div class="headertitle"><div class="title">{page.title}</div></div></div>
<div class="contents"><div class="textblock">
{page.main}
</div></div>
<hr class="footer"/><address class="footer"><small>{html.escape(page.site.foot)} Generated by&#160;doxygen 1.9.8</small></address>
</body>
</html>
"""


def pandoc(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html xmlns="http://www.w3.org/1999/xhtml" lang="{page.lang}" xml:lang="{page.lang}">
<head>
<meta charset="utf-8" />
<meta name="generator" content="pandoc" />
<meta name="author" content="{attr(page.author)}" />
<title>{html.escape(page.title)}</title>
<style>
html {{ color: #1a1a1a; }} body {{ margin: 0 auto; max-width: 36em; }} code{{white-space: pre-wrap;}}
</style>
{page.head}
</head>
<body>
<header id="title-block-header">
<h1 class="title">{page.title}</h1>
<p class="author">{html.escape(page.author)}</p>
<p class="date">{page.date}</p>
</header>
{page.main}
<hr />
<p class="backlinks"><a href="index.html">{html.escape(page.site.foot)}</a></p>
</body>
</html>
"""


def latexml(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<title>{html.escape(page.title)}</title>
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<link rel="stylesheet" href="LaTeXML.css" type="text/css">
</head>
<body>
<div class="ltx_page_main">
<header class="ltx_page_header"><div><a href="index.html" class="ltx_ref">{html.escape(page.site.nav[0])}</a></div></header>
<div class="ltx_page_content">
<article class="ltx_document">
<h1 class="ltx_title ltx_title_document">{page.title}</h1>
<div class="ltx_authors"><span class="ltx_creator ltx_role_author"><span class="ltx_personname">{html.escape(page.author)}</span></span></div>
<div class="ltx_dates">({page.date})</div>
{page.main.replace("<p>", '<div class="ltx_para"><p class="ltx_p">').replace("</p>", "</p></div>")}
</article>
</div>
<footer class="ltx_page_footer"><div class="ltx_page_logo">Generated by <a href="http://dlmf.nist.gov/LaTeXML/">LaTeXML</a>. {html.escape(page.site.foot)}</div></footer>
</div>
</body>
</html>
"""


def latex2html(page: Page) -> str:
    return f"""<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">
<!--Converted with LaTeX2HTML 2008 (1.71)-->
<HTML>
<HEAD>
<TITLE>{html.escape(page.title)}</TITLE>
<META NAME="description" CONTENT="{attr(page.title)}">
<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset={page.charset or "iso-8859-1"}">
<META NAME="Generator" CONTENT="LaTeX2HTML v2008">
<LINK REL="STYLESHEET" HREF="node4.css">
</HEAD>
<BODY>
<!--Navigation Panel-->
<A HREF="node5.html"><IMG WIDTH="37" HEIGHT="24" ALIGN="BOTTOM" BORDER="0" ALT="next" SRC="next.png"></A>
<A HREF="node3.html"><IMG WIDTH="26" HEIGHT="24" ALIGN="BOTTOM" BORDER="0" ALT="up" SRC="up.png"></A>
<BR><B> Next:</B> <A HREF="node5.html">{html.escape(page.site.nav[0])}</A> <B> Up:</B> <A HREF="node3.html">{html.escape(page.site.nav[1])}</A>
<BR><BR>
<!--End of Navigation Panel-->
<H1>{page.title}</H1>
{page.main}
<HR>
<ADDRESS>{html.escape(page.author)} {page.date}</ADDRESS>
</BODY>
</HTML>
"""


def notebook(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1.0" />
<title>{html.escape(page.title)}</title>
<style type="text/css">pre {{ line-height: 125%; }} .highlight .k {{ color: #008000; font-weight: bold }}</style>
{page.head}
</head>
<body class="jp-Notebook" data-jp-theme-light="true" data-jp-theme-name="JupyterLab Light">
<main>
<div class="jp-Cell jp-MarkdownCell jp-Notebook-cell"><div class="jp-Cell-inputWrapper" tabindex="0"><div class="jp-InputArea jp-Cell-inputArea"><div class="jp-InputPrompt jp-InputArea-prompt"></div>
<div class="jp-RenderedHTMLCommon jp-RenderedMarkdown jp-MarkdownOutput" data-mime-type="text/markdown">
<h1 id="top">{page.title}<a class="anchor-link" href="#top">¶</a></h1>
{page.main}
</div></div></div></div>
</main>
</body>
</html>
"""


def pretext(page: Page) -> str:
    return f"""<!DOCTYPE html>
<html lang="en-US">
<head>
<meta charset="utf-8" />
<meta name="generator" content="PreTeXt" />
<title>{html.escape(page.title)}</title>
{page.head}
</head>
<body class="pretext book ignore-math">
<a class="assistive" href="#ptx-content">Skip to main content</a>
<header id="ptx-masthead" class="ptx-masthead"><div class="ptx-banner"><div class="title-container"><h1 class="heading"><a href="index.html"><span class="title">{html.escape(page.site.name)}</span></a></h1><p class="byline">{html.escape(page.author)}</p></div></div></header>
<nav id="ptx-navbar" class="ptx-navbar navbar"><button class="toc-toggle button">Contents</button><span class="nav-other-controls">{links(page.site.nav, "span")}</span></nav>
<div id="ptx-main" class="ptx-main"><main class="ptx-main"><div id="ptx-content" class="ptx-content"><section class="section">
<h2 class="heading hide-type"><span class="type">Section</span> <span class="codenumber">2.3</span> <span class="title">{page.title}</span></h2>
{page.main.replace("<p>", '<div class="para">').replace("</p>", "</div>")}
</section></div></main></div>
<div id="ptx-page-footer" class="ptx-page-footer"><div class="feedback-link">{html.escape(page.site.foot)}</div></div>
</body>
</html>
"""


def nineties(page: Page) -> str:
    charset = f'<META HTTP-EQUIV="Content-Type" CONTENT="text/html; charset={page.charset}">\n' if page.charset else ""
    return f"""<HTML>
<HEAD>
{charset}<TITLE>{html.escape(page.title)}</TITLE>
{page.head}
</HEAD>
<BODY BGCOLOR="#FFFFFF" TEXT="#000000">
<CENTER><FONT SIZE=2>[ {" | ".join(f'<A HREF="{n}.html">{html.escape(text)}</A>' for n, text in enumerate(page.site.nav))} ]</FONT></CENTER>
<HR>
<H1>{page.title}</H1>
{page.main}
<HR>
<I>{html.escape(page.site.foot)}</I>
</BODY>
</HTML>
"""


def xhtml(page: Page) -> str:
    return f"""<?xml version="1.0" encoding="{page.charset or "UTF-8"}"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1 plus MathML 2.0//EN" "http://www.w3.org/Math/DTD/mathml2/xhtml-math11-f.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="{page.lang}">
<head>
<title>{html.escape(page.title)}</title>
<link rel="stylesheet" href="style.css" type="text/css" />
</head>
<body>
<div id="nav"><ul>{links(page.site.nav)}</ul></div>
<div id="content">
<h1>{page.title}</h1>
{page.main}
</div>
<div id="footer"><p>{html.escape(page.site.foot)}</p></div>
</body>
</html>
"""


def portal(page: Page) -> str:
    """News sites, shops, textbooks on a content management system: mostly `div`s and scripts."""
    return f"""<!DOCTYPE html>
<html lang="{page.lang}">
<head>
{meta(page)}
<meta property="og:title" content="{attr(page.title)}">
<script>window.dataLayer=window.dataLayer||[];function gtag(){{dataLayer.push(arguments);}}var path=location.pathname.replace(/\\/+$/,'').split('\\u002f');</script>
{page.head}
</head>
<body>
{cookie(page)}
<div class="topbar"><div class="logo"><a href="/">{html.escape(page.site.name)}</a></div><div class="menu" role="navigation"><ul>{links(page.site.nav)}</ul></div><form class="search-form"><input type="search" placeholder="Search"></form></div>
<div class="layout"><div class="content" id="main">
<h1>{page.title}</h1>
<div class="byline">{html.escape(page.author)} <span class="date">{page.date}</span></div>
<div class="article-body">
{page.main}
</div>
<div class="social-share"><span>Share on social media</span><a href="#">Copy this link</a></div>
{comments(page)}
</div>
{side(page, "div")}</div>
<div class="footer"><p>{html.escape(page.site.foot)}</p></div>
</body>
</html>
"""


def thread(page: Page) -> str:
    """A site that copies the questions of another one: all posts, one below the other, as one article."""
    posts = "\n<hr>\n".join(section.html for section in (page.sections[0], *page.of("answer", "reply")))
    return portal(replace(page, sections=(replace(page.sections[0], html=posts),)))


def bare(page: Page) -> str:
    """The page is the text of its source file, whole."""
    return page.main


LAYOUTS: dict[str, Callable[[Page], str]] = {
    "blog": blog,
    "wordpress": wordpress,
    "wiki": wiki,
    "qa": qa,
    "discourse": discourse,
    "forum": forum,
    "moodle": moodle,
    "journal": journal,
    "github": github,
    "arxiv": arxiv,
    "sphinx": sphinx,
    "doxygen": doxygen,
    "pandoc": pandoc,
    "latexml": latexml,
    "latex2html": latex2html,
    "notebook": notebook,
    "pretext": pretext,
    "nineties": nineties,
    "xhtml": xhtml,
    "portal": portal,
    "portal-thread": thread,
    "bare": bare,
}
