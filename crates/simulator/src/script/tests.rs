//! Tests of `script`.

use super::*;

fn one(text: &str) -> Directive {
    let mut all = parse(text);
    assert_eq!(all.len(), 1, "{text}: {all:?}");
    all.remove(0)
}

fn said(text: &str) -> String {
    match one(text) {
        Directive::Say(text) => text,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn say_quoted_and_bare() {
    assert_eq!(said(r#"[[sim: say "hello"]]"#), "hello");
    assert_eq!(said("[[sim: say hello there]]"), "hello there");
    assert_eq!(said("[[sim:say   hi ]]"), "hi");
    assert_eq!(said(r#"[[sim: say "a ]] b\n\u00e9" ]]"#), "a ]] b\né");
    assert_eq!(said(r#"[[sim: say "quoted" and more]]"#), r#""quoted" and more"#);
    assert_eq!(said("[[sim: say one\ntwo]]"), "one\ntwo");
    assert_eq!(said(r#"[[sim: say ""]]"#), "");
}

#[test]
fn think_takes_the_same_arguments() {
    for text in [r#"[[sim: think "hmm"]]"#, "[[sim: think hmm]]"] {
        assert!(matches!(one(text), Directive::Think(text) if text == "hmm"));
    }
}

#[test]
fn tool_json_may_contain_the_closing_mark() {
    let text = r#"[[sim: tool a.b-c={"x":"]]","y":[[1]]} ]] tail"#;
    match one(text) {
        Directive::Tool { name, arguments } => {
            assert_eq!(name, "a.b-c");
            assert_eq!(arguments.get(), r#"{"x":"]]","y":[[1]]}"#);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(without_directives(text), " tail");
}

#[test]
fn tool_takes_any_json_value() {
    for json in ["{}", "[1]", "7", "null", "true", r#""s""#, " { } "] {
        assert!(
            matches!(one(&format!("[[sim: tool t={json}]]")), Directive::Tool { .. }),
            "{json}"
        );
    }
}

#[test]
fn words_without_arguments() {
    assert!(matches!(one("[[sim: echo]]"), Directive::Echo));
    assert!(matches!(one("[[sim: report ]]"), Directive::Report));
    assert!(matches!(one("[[sim: drop]]"), Directive::Drop));
    assert!(matches!(one("[[sim: hang]]"), Directive::Hang));
    assert!(matches!(one("[[sim: next]]"), Directive::Next));
    assert!(matches!(one("[[sim: noend]]"), Directive::NoEnd));
    assert!(matches!(one("[[sim: cut]]"), Directive::Cut));
    assert!(matches!(one("[[sim: gzip]]"), Directive::Gzip));
    assert!(matches!(one("[[sim: silent]]"), Directive::Silent));
    assert!(matches!(one("[[sim: unknown]]"), Directive::Unknown));
    assert!(matches!(one("[[sim: empty]]"), Directive::Empty));
}

#[test]
fn words_with_arguments() {
    assert!(matches!(one("[[sim: chunks 100]]"), Directive::Chunks(100)));
    assert!(matches!(one("[[sim: burst 3]]"), Directive::Burst(3)));
    assert!(matches!(one("[[sim: split 7]]"), Directive::Split(7)));
    assert!(matches!(one("[[sim: fragment 1]]"), Directive::Fragment(1)));
    assert!(matches!(one("[[sim: usage 12 34]]"), Directive::Usage { input: 12, output: 34 }));
    assert!(matches!(one("[[sim: recall key]]"), Directive::Recall(key) if key == "key"));
    assert!(matches!(one(r#"[[sim: recall "a key"]]"#), Directive::Recall(key) if key == "a key"));
    assert!(matches!(one("[[sim: schema f]]"), Directive::Schema(name) if name == "f"));
    assert!(matches!(one("[[sim: tag t]]"), Directive::Tag(name) if name == "t"));
    assert!(matches!(one(r#"[[sim: stats "t u"]]"#), Directive::Stats(name) if name == "t u"));
    for (name, kind) in Native::ALL {
        assert!(
            matches!(one(&format!("[[sim: native {name}]]")), Directive::Native(k) if k == kind)
        );
        assert_eq!(kind.name(), name);
    }
    for (name, kind) in Query::ALL {
        assert!(matches!(one(&format!("[[sim: query {name}]]")), Directive::Query(k) if k == kind));
        assert_eq!(kind.name(), name);
    }
}

#[test]
fn durations() {
    let of = |text: &str| match one(&format!("[[sim: wait {text}]]")) {
        Directive::Wait(time) => Some(time),
        _ => None,
    };
    assert_eq!(of("50ms"), Some(Duration::from_millis(50)));
    assert_eq!(of("1.5s"), Some(Duration::from_millis(1500)));
    assert_eq!(of("0s"), Some(Duration::ZERO));
    for bad in ["50", "s", "-1s", "1e3s", "infs", "fast", "5m"] {
        assert_eq!(of(bad), None, "{bad}");
    }
    assert!(matches!(one("[[sim: delay 2ms]]"), Directive::Delay(_)));
    assert!(matches!(one("[[sim: heartbeats 2s]]"), Directive::Heartbeats(_)));
}

#[test]
fn every_error_code_with_and_without_arguments() {
    for (name, kind) in ErrorCode::ALL {
        match one(&format!("[[sim: error {name}]]")) {
            Directive::Error { code, text: None, retry: None } => assert_eq!(code, kind),
            other => panic!("{other:?}"),
        }
        match one(&format!(r#"[[sim: error {name} "slow ]] down" retry=7]]"#)) {
            Directive::Error { code, text: Some(text), retry: Some(7) } => {
                assert_eq!((code, text.as_str()), (kind, "slow ]] down"));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(matches!(
        one("[[sim: error internal retry=2 boom]]"),
        Directive::Error { text: Some(text), retry: Some(2), .. } if text == "boom"
    ));
    assert!(matches!(
        one(r#"[[sim: error internal "retry=2"]]"#),
        Directive::Error { text: Some(text), retry: None, .. } if text == "retry=2"
    ));
}

#[test]
fn http_status() {
    assert!(matches!(one("[[sim: http 503]]"), Directive::Http { status: 503, retry: None }));
    assert!(matches!(
        one("[[sim: http 429 retry=3]]"),
        Directive::Http { status: 429, retry: Some(3) }
    ));
}

#[test]
fn malformed_directives_are_quoted() {
    for bad in [
        "[[sim: bogus]]",
        "[[sim: ]]",
        "[[sim: say]]",
        "[[sim: say ]]",
        "[[sim: chunks]]",
        "[[sim: chunks many]]",
        "[[sim: chunks -1]]",
        "[[sim: split 0]]",
        "[[sim: fragment 0]]",
        "[[sim: echo now]]",
        "[[sim: usage 1]]",
        "[[sim: usage 1 x]]",
        "[[sim: error]]",
        "[[sim: error nonsense]]",
        "[[sim: error internal a b]]",
        "[[sim: error internal retry=soon]]",
        "[[sim: tool x]]",
        "[[sim: tool x={]]",
        "[[sim: tool =1]]",
        "[[sim: tool a b=1]]",
        "[[sim: tool x={} y]]",
        "[[sim: http 99]]",
        "[[sim: http 503 later]]",
        "[[sim: native fly]]",
        "[[sim: query x]]",
        "[[sim: recall a b]]",
        "[[sim: wait 1x]]",
    ] {
        assert_eq!(said(bad), format!("sim: bad directive: {bad}"));
    }
}

#[test]
fn malformed_without_an_end_and_long() {
    assert_eq!(said("[[sim: say never"), "sim: bad directive: [[sim: say never");
    let long = format!("[[sim: bogus {}]]", "é".repeat(300));
    let quoted = said(&long);
    assert_eq!(quoted.chars().count(), "sim: bad directive: ".chars().count() + 200);
}

#[test]
fn several_directives_and_the_text_between() {
    let text = r#"a [[sim: say "x"]] b [[sim: bogus]] c [[sim: echo]]"#;
    assert_eq!(parse(text).len(), 3);
    assert_eq!(without_directives(text), "a  b  c ");
    assert!(has_directive(text));
    assert!(!has_directive("[[ sim: say x]] [[mem a=b]]"));
}

#[test]
fn steps_are_cut_at_next() {
    let of = |text: &str| steps(parse(text)).iter().map(Vec::len).collect::<Vec<_>>();
    assert_eq!(of("[[sim: say a]]"), [1]);
    assert_eq!(of("[[sim: say a]] [[sim: next]] [[sim: say b]] [[sim: say c]]"), [1, 2]);
    assert_eq!(of("[[sim: next]] [[sim: next]]"), [0, 0, 0]);
}

#[test]
fn cut_counts_code_points() {
    assert_eq!(cut("aé世x", 3), "aé世");
    assert_eq!(cut("ab", 3), "ab");
}
