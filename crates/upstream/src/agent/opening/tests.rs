//! The first message of a run.

use cursor_proto::agent::oneof::agent_client_message::Message as Arm;
use cursor_proto::agent::oneof::conversation_action::Action;

use conversation::Turn;

use super::*;

fn options() -> AgentOptions {
    AgentOptions {
        instructions: InstructionChannel::default(),
        history: HistoryChannel::default(),
        timezone: "UTC".into(),
        call_window: Duration::from_millis(150),
    }
}

fn run(turn: &Turn, options: &AgentOptions) -> AgentRunRequest {
    let route = Route::plain(&turn.model);
    let opening = Opening::plain(turn, &route);
    let (message, _) = open(&opening, options, &mut || Uuid::nil()).expect("opens");
    match message {
        ClientMessage::Agent(message) => match message.message {
            Some(Arm::RunRequest(run)) => *run,
            other => panic!("{other:?}"),
        },
        ClientMessage::Chat(_) => panic!("agent"),
    }
}

fn action(run: &AgentRunRequest) -> Action {
    run.action.as_option().expect("action").action.clone().expect("arm")
}

fn conversation() -> Turn {
    let mut turn = Turn::of_text("gpt-5", "And 3+3?");
    turn.instructions = vec!["Be brief.".into()];
    turn.messages.insert(0, Message::User(vec![Part::Text("What is 2+2?".into())]));
    turn.messages.insert(1, Message::Assistant(vec![Part::Text("4".into())]));
    turn
}

#[test]
fn state_is_present_even_when_empty() {
    let run = run(&Turn::of_text("default", "Hello"), &options());
    assert!(run.conversation_state.is_set());
    assert!(run.custom_system_prompt.is_none());
}

#[test]
fn history_goes_as_blobs_whose_content_is_sent_ahead() {
    let run = run(&conversation(), &options());
    let state = run.conversation_state.as_option().expect("state");
    assert_eq!(state.root_prompt_messages_json.len(), 2);
    assert_eq!(run.pre_fetched_blobs.len(), 2);
    assert_eq!(run.pre_fetched_blobs[0].id, state.root_prompt_messages_json[0]);
}

#[test]
fn history_goes_typed_when_so_set() {
    let options = AgentOptions { history: HistoryChannel::ConversationHistory, ..options() };
    let run = run(&conversation(), &options);
    let Action::UserMessageAction(action) = action(&run) else { panic!("user message") };
    let history = action.conversation_history.as_option().expect("history");
    assert_eq!(history.messages.len(), 2);
    assert!(run.pre_fetched_blobs.is_empty());
}

#[test]
fn system_text_goes_before_the_users_text_when_so_set() {
    let options = AgentOptions { instructions: InstructionChannel::UserText, ..options() };
    let run = run(&conversation(), &options);
    let Action::UserMessageAction(action) = action(&run) else { panic!("user message") };
    let message = action.user_message.as_option().expect("message");
    assert_eq!(message.text, "Be brief.\nAnd 3+3?");
}

#[test]
fn a_conversation_that_ends_with_results_is_resumed() {
    let mut turn = conversation();
    turn.messages.push(Message::Assistant(Vec::new()));
    assert!(matches!(action(&run(&turn, &options())), Action::ResumeAction(_)));
}

#[test]
fn nothing_to_say_is_the_clients_mistake() {
    let mut turn = Turn::of_text("m", "x");
    turn.messages.clear();
    let route = Route::plain(&turn.model);
    let failure = open(&Opening::plain(&turn, &route), &options(), &mut || Uuid::nil())
        .expect_err("nothing to say");
    assert_eq!(failure.param.as_deref(), Some("messages"));
}
