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

fn routed(turn: &Turn, route: &Route, memory: Option<&Memory>) -> (AgentRunRequest, Session) {
    let opening = Opening { memory, ..Opening::plain(turn, route) };
    let mut next = 0;
    let mut uuid = || {
        next += 1;
        Uuid::from_u128(next)
    };
    let (message, session) = open(&opening, &options(), &mut uuid).expect("opens");
    match message {
        ClientMessage::Agent(message) => match message.message {
            Some(Arm::RunRequest(run)) => (*run, session),
            other => panic!("{other:?}"),
        },
        ClientMessage::Chat(_) => panic!("agent"),
    }
}

fn parameters_of(model: &str, effort: Option<ReasoningEffort>) -> Vec<(String, String)> {
    let turn = Turn::of_text(model, "Hi");
    let route = Route { effort, ..Route::plain(&turn.model) };
    let (run, _) = routed(&turn, &route, None);
    let parameters = run.requested_model.parameters.iter();
    parameters.map(|parameter| (parameter.id.clone(), parameter.value.clone())).collect()
}

#[test]
fn effort_is_said_in_the_models_own_parameters() {
    let high = Some(ReasoningEffort::High);
    let pair = |id: &str, value: &str| (id.to_owned(), value.to_owned());
    // As in the vector `run_model_parameters`.
    let claude = [pair("thinking", "true"), pair("effort", "high")];
    assert_eq!(parameters_of("claude-opus", high), claude);
    assert_eq!(
        parameters_of("gpt-5", Some(ReasoningEffort::Medium)),
        [pair("reasoning", "medium")]
    );
    assert_eq!(
        parameters_of("claude-opus", Some(ReasoningEffort::None)),
        [pair("thinking", "false")]
    );
    for variant in ["claude-4.5-sonnet-thinking", "gpt-5.2-codex-high", "default"] {
        assert_eq!(parameters_of(variant, high), []);
    }
    assert_eq!(parameters_of("claude-opus", None), []);
}

#[test]
fn the_route_decides_model_and_mode() {
    let turn = Turn::of_text("alias", "Hi");
    let model = conversation::ModelName::new("gpt-5");
    let (run, _) = routed(&turn, &Route { max_mode: true, ..Route::plain(&model) }, None);
    assert_eq!(run.requested_model.model_id, "gpt-5");
    assert!(run.requested_model.max_mode);
    assert_eq!(run.model_details.max_mode, Some(true));
    let (run, _) = routed(&turn, &Route::plain(&model), None);
    assert_eq!((run.requested_model.max_mode, run.model_details.max_mode), (false, None));
}

#[test]
fn the_choice_of_tools_is_said_with_the_instructions() {
    let mut turn = conversation();
    let tool = conversation::Tool {
        name: "a".into(),
        description: String::new(),
        parameters: "{}".into(),
    };
    turn.tools.declared = vec![tool];
    turn.tools.choice = conversation::ToolChoice::None;
    let options = AgentOptions { instructions: InstructionChannel::UserText, ..options() };
    let with_none = run(&turn, &options);
    assert!(with_none.mcp_tools.is_unset());
    let text = |run: &AgentRunRequest| match action(run) {
        Action::UserMessageAction(action) => action.user_message.text.clone(),
        other => panic!("{other:?}"),
    };
    assert!(text(&with_none).contains("Do not call any tool"), "{}", text(&with_none));
    turn.tools.choice = conversation::ToolChoice::Auto;
    assert!(!text(&run(&turn, &options)).contains("tool"));
}

/// A checkpoint of a server that knows more than we do.
fn checkpoint() -> (ConversationStateStructure, Vec<u8>) {
    use cursor_proto::Message as _;
    let state = ConversationStateStructure {
        root_prompt_messages_json: vec![b"the server's own".to_vec()],
        pending_tool_calls: vec!["c1".into()],
        turns: vec![b"turn".to_vec()],
        ..Default::default()
    };
    let mut wire = state.encode_to_vec();
    // `summary` (6), which our schema leaves out.
    wire.extend([0x32, 0x03, b's', b'u', b'm']);
    (state, wire)
}

fn remembered(turn: &Turn) -> (AgentRunRequest, Memory) {
    use cursor_proto::Message as _;
    use cursor_proto::agent::{AgentServerMessage, KvServerMessage, SetBlobArgs};
    let (run, mut session) = routed(turn, &Route::plain(&turn.model), None);
    let state = ConversationStateStructure::decode_from_slice(&checkpoint().1).expect("decodes");
    let blob = SetBlobArgs {
        blob_id: b"turn".to_vec(),
        blob_data: b"the turn".to_vec(),
        ..Default::default()
    };
    let blob = KvServerMessage { id: 1, message: blob.into(), ..Default::default() };
    for message in [
        AgentServerMessage { message: blob.into(), ..Default::default() },
        AgentServerMessage { message: state.into(), ..Default::default() },
    ] {
        let bytes = message.encode_to_vec().into();
        session.receive(&bytes, &mut crate::Actions::default()).expect("a message");
    }
    (run, session.memory())
}

#[test]
fn a_follow_up_goes_on_from_the_checkpoint_with_our_own_history() {
    use cursor_proto::Message as _;
    let mut turn = conversation();
    let (first, memory) = remembered(&turn);
    turn.messages.push(Message::Assistant(vec![Part::Text("6".into())]));
    turn.messages.push(Message::User(vec![Part::Text("And 4+4?".into())]));
    let (second, _) = routed(&turn, &Route::plain(&turn.model), Some(&memory));
    assert_eq!(second.conversation_id, first.conversation_id);
    let (before, state) = (&first.conversation_state, &second.conversation_state);
    assert_eq!(state.turns, [b"turn".to_vec()]);
    assert!(state.pending_tool_calls.is_empty());
    // What both turns say is the same prefix, and the server's own list is not taken.
    assert_eq!(state.root_prompt_messages_json.len(), 4);
    assert_eq!(state.root_prompt_messages_json[..2], before.root_prompt_messages_json[..]);
    let wire = second.conversation_state.encode_to_vec();
    assert!(wire.ends_with(&[0x32, 0x03, b's', b'u', b'm']), "what we do not know is kept");
    let fresh = routed(&turn, &Route::plain(&turn.model), None).0;
    assert!(fresh.conversation_state.turns.is_empty());
}

#[test]
fn what_the_server_stored_is_served_in_the_next_turn() {
    use cursor_proto::Message as _;
    use cursor_proto::agent::{AgentServerMessage, GetBlobArgs, KvServerMessage};
    let turn = conversation();
    let (_, memory) = remembered(&turn);
    assert!(memory.bytes() >= "the turn".len() + checkpoint().1.len());
    let (_, mut session) = routed(&turn, &Route::plain(&turn.model), Some(&memory));
    let get = GetBlobArgs { blob_id: b"turn".to_vec(), ..Default::default() };
    let get = KvServerMessage { id: 7, message: get.into(), ..Default::default() };
    let get = AgentServerMessage { message: get.into(), ..Default::default() };
    let mut actions = crate::Actions::default();
    session.receive(&get.encode_to_vec().into(), &mut actions).expect("a message");
    assert!(format!("{:?}", actions.send).contains(&format!("{:?}", b"the turn".to_vec())));
}

#[test]
fn another_flows_memory_is_none() {
    let turn = conversation();
    let memory = Memory::of_chat("c".into());
    let with = routed(&turn, &Route::plain(&turn.model), Some(&memory)).0;
    assert_eq!(with, routed(&turn, &Route::plain(&turn.model), None).0);
}
