//! Tests of `view`.

use serde_json::json;

use super::*;
use crate::script::Directive;

fn view(messages: Vec<Message>) -> View {
    View { model: "m".into(), messages, ..View::default() }
}

fn user(text: &str) -> Message {
    Message::new(Role::User, text)
}

fn result(text: &str) -> Message {
    Message::new(Role::Tool, text)
}

fn tool(name: &str) -> Tool {
    Tool {
        name: name.into(),
        alias: name.into(),
        server: "s".into(),
        description: String::new(),
        schema: json!({"type": "object"}),
        callable: true,
    }
}

fn text(view: &View) -> String {
    match select(view) {
        Play::Text(text) => text,
        Play::Step(step) => match step.as_slice() {
            [Directive::Say(text)] => format!("say {text}"),
            other => panic!("{other:?}"),
        },
    }
}

#[test]
fn rule_1_the_last_user_message_with_a_program() {
    let mut all = view(vec![
        user("[[sim: say first]]"),
        Message::new(Role::Assistant, "[[sim: say assistant]]"),
        user("around [[sim: say second]] it"),
        user("no directive here"),
        result("[[sim: say result]]"),
    ]);
    all.system.push("[[sim: say system]]".into());
    assert_eq!(text(&all), "say second");
}

#[test]
fn rules_2_and_3_the_step_is_the_number_of_calling_messages_after_the_program() {
    let program = "[[sim: say a]] [[sim: next]] [[sim: say b]]";
    let mut messages = vec![Message::calling("", 3), user(program)];
    assert_eq!(text(&view(messages.clone())), "say a");
    messages.push(Message::new(Role::Assistant, "no call"));
    assert_eq!(text(&view(messages.clone())), "say a");
    messages.push(Message::calling("", 2));
    messages.push(result("r"));
    assert_eq!(text(&view(messages)), "say b");
}

#[test]
fn rule_4_results_of_the_last_round() {
    let messages = vec![
        user("[[sim: tool a={}]]"),
        Message::calling("", 1),
        result("old"),
        Message::calling("", 2),
        result("one"),
        user("a reminder the client added"),
        result(&"é".repeat(600)),
    ];
    let expected = format!("tool result: one\ntool result: {}", "é".repeat(500));
    assert_eq!(text(&view(messages)), expected);
}

#[test]
fn rule_4_without_results_is_rule_5() {
    let messages = vec![user("[[sim: tool a={}]]"), Message::calling("", 1), user("hello")];
    assert_eq!(text(&view(messages)), "echo: hello");
}

#[test]
fn rule_5_without_a_program() {
    let called = || vec![user("q"), Message::calling("", 1), result("7 degrees")];
    assert_eq!(text(&view(called())), "tool result: 7 degrees");
    let mut blank = called();
    blank.push(user(" \n"));
    assert_eq!(text(&view(blank)), "tool result: 7 degrees");
    let mut more = called();
    more.push(user("and now?"));
    assert_eq!(text(&view(more)), "echo: and now?");
    assert_eq!(text(&view(vec![user("hello there")])), "echo: hello there");
    assert_eq!(text(&view(vec![user("first"), user("  ")])), "echo: first");
    assert_eq!(text(&view(vec![])), "echo: (empty)");
    assert_eq!(text(&view(vec![user(&"x".repeat(300))])), format!("echo: {}", "x".repeat(200)));
}

#[test]
fn echo_leaves_directives_out() {
    assert_eq!(view(vec![user(" [[sim: echo]] hello [[sim: bogus]] ")]).echo(), "echo: hello");
    assert_eq!(view(vec![user("[[sim: echo]]")]).echo(), "echo: (empty)");
}

#[test]
fn recall_searches_everything_in_order() {
    let mut all = view(vec![user("[[mem a=1]] [[mem b=two\nlines]]"), result("[[mem c=[x]]]")]);
    all.system.push("[[mem a=0]] [[mem ab=9]]".into());
    all.messages.push(Message { reasoning: "[[mem r=why]]".into(), ..user("") });
    assert_eq!(all.recall("a"), "0");
    assert_eq!(all.recall("b"), "two\nlines");
    assert_eq!(all.recall("c"), "[x");
    assert_eq!(all.recall("r"), "why");
    assert_eq!(all.recall("ab"), "9");
    assert_eq!(all.recall("z"), "recall z: not found");
}

#[test]
fn report_is_exact() {
    let mut all = view(vec![
        Message { images: vec![70, 3], ..user("look") },
        Message::new(Role::Assistant, "ok"),
        user("wörld"),
    ]);
    all.tools = vec![tool("b"), tool("a")];
    assert_eq!(
        all.report(),
        r#"{"sim_report":{"model":"m","tools":["a","b"],"images":[70,3],"last_user_chars":5,"turns":3}}"#
    );
}

#[test]
fn schema_is_the_one_received() {
    let mut all = view(vec![]);
    all.tools = vec![tool("f")];
    assert_eq!(all.schema("f"), r#"{"sim_schema":{"type":"object"}}"#);
    assert_eq!(all.schema("g"), r#"{"sim_schema":null}"#);
}

#[test]
fn a_tool_is_found_by_its_name_or_a_renaming_of_it() {
    let mut all = view(vec![]);
    all.tools = vec![tool("get_weather"), tool("mcp_Task"), tool("a_b"), tool("x__y")];
    assert_eq!(all.tool("get_weather").map(|tool| tool.name.as_str()), Some("get_weather"));
    assert_eq!(all.tool("Task").map(|tool| tool.name.as_str()), Some("mcp_Task"));
    assert_eq!(all.tool("a.b").map(|tool| tool.name.as_str()), Some("a_b"));
    assert_eq!(all.tool("weather"), None);
    assert_eq!(
        all.no_tool("weather"),
        "sim: no tool weather; offered: a_b, get_weather, mcp_Task, x__y"
    );
    assert_eq!(view(vec![]).no_tool("x"), "sim: no tool x; offered: none");
}

#[test]
fn a_tool_is_found_when_its_name_was_cut() {
    let wanted = "w".repeat(80);
    let mut all = view(vec![]);
    all.tools = vec![
        tool("client_Task"),
        tool("client_Task_0a1b2c3d"),
        tool(&format!("client_{}_deadbeef", &wanted[..40])),
        tool("short_deadbeef"),
    ];
    assert_eq!(all.tool(&wanted), Some(&all.tools[2]));
    assert_eq!(all.tool("shorter"), None);
    all.tools.remove(0);
    assert_eq!(all.tool("Task"), Some(&all.tools[0]));
}

#[test]
fn a_tool_that_is_only_visible_cannot_be_called() {
    let mut all = view(vec![]);
    all.tools = vec![Tool { callable: false, ..tool("f") }];
    assert_eq!(all.tool("f"), None);
    assert!(all.report().contains(r#""tools":["f"]"#));
    assert_eq!(all.schema("f"), r#"{"sim_schema":{"type":"object"}}"#);
}
