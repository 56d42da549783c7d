//! This repository's own documents as HTML. Links between them are turned to where they are served.

use std::collections::HashMap;

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd};

/// A document as the inside of a page. `find` says where the target of a relative link is served;
/// a link to anything else becomes plain text.
pub(crate) fn html(text: &str, find: impl Fn(&str) -> Option<String>) -> String {
    let mut events: Vec<Event<'_>> = Vec::new();
    // Links that were left out, as they are nested.
    let mut dropped: Vec<bool> = Vec::new();
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
                let target = target(&dest_url, &find);
                dropped.push(target.is_none());
                if let Some(target) = target {
                    let dest_url = CowStr::from(target);
                    events.push(Event::Start(Tag::Link { link_type, dest_url, title, id }));
                }
            }
            Event::End(TagEnd::Link) => {
                if dropped.pop() == Some(false) {
                    events.push(Event::End(TagEnd::Link));
                }
            }
            // Comments are for those who read the source; nothing else is written in HTML.
            Event::Html(text) | Event::InlineHtml(text) => {
                if !text.trim_start().starts_with("<!--") {
                    events.push(Event::Text(text));
                }
            }
            other => events.push(other),
        }
    }
    name_headings(&mut events);
    let mut html = String::with_capacity(text.len() * 2);
    pulldown_cmark::html::push_html(&mut html, events.into_iter());
    html
}

fn target(url: &str, find: impl Fn(&str) -> Option<String>) -> Option<String> {
    let is_elsewhere = url.starts_with("https://") || url.starts_with("http://");
    if is_elsewhere || url.starts_with('#') {
        return Some(url.to_owned());
    }
    let (path, fragment) = url.split_once('#').map_or((url, None), |(path, f)| (path, Some(f)));
    let found = find(path)?;
    Some(fragment.map_or(found.clone(), |fragment| format!("{found}#{fragment}")))
}

/// Gives headings the names that links to them use.
fn name_headings(events: &mut [Event<'_>]) {
    let mut taken: HashMap<String, usize> = HashMap::new();
    for at in 0..events.len() {
        if !matches!(events[at], Event::Start(Tag::Heading { .. })) {
            continue;
        }
        let inside = events[at + 1..]
            .iter()
            .take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        let words: String = inside
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let mut name = slug(&words);
        let before = taken.entry(name.clone()).or_insert(0);
        if *before > 0 {
            name = format!("{name}-{before}");
        }
        *before += 1;
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[at] {
            *id = Some(name.into());
        }
    }
}

fn slug(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// Text as it may stand anywhere in HTML.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        html(text, |path| (path == "b.md").then(|| "/b".to_owned()))
    }

    #[test]
    fn links_are_turned_and_dead_ones_are_text() {
        for (text, expected) in [
            ("[a](b.md)", "<p><a href=\"/b\">a</a></p>\n"),
            ("[a](b.md#c)", "<p><a href=\"/b#c\">a</a></p>\n"),
            ("[a](#c)", "<p><a href=\"#c\">a</a></p>\n"),
            (
                "[`a`](c.md) [b](https://b.c)",
                "<p><code>a</code> <a href=\"https://b.c\">b</a></p>\n",
            ),
            ("[a](javascript:x)", "<p>a</p>\n"),
        ] {
            assert_eq!(shown(text), expected);
        }
    }

    #[test]
    fn headings_have_names_and_no_html_comes_through() {
        assert_eq!(shown("# A `b`, c!"), "<h1 id=\"a-b-c\">A <code>b</code>, c!</h1>\n");
        assert_eq!(shown("# a\n# a"), "<h1 id=\"a\">a</h1>\n<h1 id=\"a-1\">a</h1>\n");
        assert_eq!(shown("a <!-- b --> c"), "<p>a  c</p>\n");
        assert!(shown("<script>x</script>").contains("&lt;script&gt;"));
        assert_eq!(escaped("<a b='c'>&\""), "&lt;a b=&#39;c&#39;&gt;&amp;&quot;");
    }
}
