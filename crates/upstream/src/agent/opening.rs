//! From a turn to the first message of a run.
//!
//! Where sources disagree on how text reaches the model, the way is a setting:
//! [`InstructionChannel`] for system text, [`HistoryChannel`] for earlier messages (agent.md,
//! "System prompt and history").

use conversation::{Failure, Image, Message, Part, Turn};
use cursor_proto::agent::oneof::selected_image::DataOrBlobId;
use cursor_proto::agent::selected_image::Dimension;
use cursor_proto::agent::{
    AgentClientMessage, AgentMode, AgentRunRequest, ConversationAction, ConversationStateStructure,
    ModelDetails, PreFetchedBlob, RequestedModel, ResumeAction, SelectedContext, SelectedImage,
    UserMessage, UserMessageAction,
};
use uuid::Uuid;

use super::blobs::Blobs;
use super::history;
use super::session::{AgentSession, Context};
use crate::session::{ClientMessage, Session, as_document, as_reminder};

/// How system text reaches the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InstructionChannel {
    /// `RequestContext.cloud_rule`; called the only honoured channel by the project that tried.
    #[default]
    CloudRule,
    /// Before the user's text; works, though some models take it for prompt injection.
    UserText,
    /// `AgentRunRequest.custom_system_prompt`; team accounts only.
    CustomSystemPrompt,
}

/// How earlier messages reach the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HistoryChannel {
    /// `root_prompt_messages_json` blobs; the server builds the prompt from these.
    #[default]
    RootBlobs,
    /// `UserMessageAction.conversation_history`; ignored in July 2026, used in August 2026.
    ConversationHistory,
}

/// Settings of the flow.
#[derive(Debug, Clone)]
pub struct AgentOptions {
    pub instructions: InstructionChannel,
    pub history: HistoryChannel,
    /// IANA name for the request context.
    pub timezone: String,
}

/// Builds the opening and the session that answers what comes back. `timezone` overrides the
/// setting; `uuid` gives fresh ids.
///
/// # Errors
/// The turn has nothing to say to the model.
pub fn open(
    turn: &Turn,
    options: &AgentOptions,
    timezone: Option<&str>,
    uuid: &mut dyn FnMut() -> Uuid,
) -> Result<(ClientMessage, Session), Failure> {
    let conversation_id = uuid().to_string();
    let (earlier, current) = split(&turn.messages);
    if current.is_none() && earlier.is_empty() {
        return Err(Failure::invalid("messages", "The conversation has no user message."));
    }
    let mut instructions = turn.instructions.join("\n\n");
    let mut run = AgentRunRequest {
        conversation_id: Some(conversation_id),
        requested_model: RequestedModel {
            model_id: turn.model.as_str().to_owned(),
            ..Default::default()
        }
        .into(),
        model_details: ModelDetails {
            model_id: turn.model.as_str().to_owned(),
            display_model_id: turn.model.as_str().to_owned(),
            display_name: turn.model.as_str().to_owned(),
            ..Default::default()
        }
        .into(),
        ..Default::default()
    };
    let mut prefix = String::new();
    match options.instructions {
        InstructionChannel::CloudRule => {}
        // Without a user's text to stand before, the rule is the only way left.
        InstructionChannel::UserText if current.is_none() => {}
        InstructionChannel::UserText => prefix = std::mem::take(&mut instructions),
        InstructionChannel::CustomSystemPrompt => {
            let text = std::mem::take(&mut instructions);
            run.custom_system_prompt = (!text.is_empty()).then_some(text);
        }
    }
    let mut blobs = Blobs::default();
    let mut state = ConversationStateStructure::default();
    // A resumed run has no user message to hang a typed history on.
    let as_blobs = options.history == HistoryChannel::RootBlobs || current.is_none();
    if as_blobs {
        for content in history::root_blobs(earlier) {
            let id = blobs.add(content.clone());
            run.pre_fetched_blobs.push(PreFetchedBlob {
                id: id.clone(),
                value: content,
                ..Default::default()
            });
            state.root_prompt_messages_json.push(id);
        }
    }
    run.conversation_state = state.into();
    let action = match current {
        Some(current) => {
            let (message, has_images) = user_message(current, &prefix, uuid);
            run.client_supports_inline_images = has_images.then_some(true);
            let mut action =
                UserMessageAction { user_message: message.into(), ..Default::default() };
            if !as_blobs && !earlier.is_empty() {
                action.conversation_history = history::typed(earlier).into();
            }
            action.into()
        }
        None => ResumeAction::default().into(),
    };
    run.action = ConversationAction { action, ..Default::default() }.into();
    let timezone = timezone.unwrap_or(&options.timezone).to_owned();
    let context = Context { instructions, timezone };
    let session = AgentSession::new(context, blobs, uuid().simple().to_string(), &turn.model);
    let opening = AgentClientMessage { message: run.into(), ..Default::default() };
    Ok((ClientMessage::Agent(Box::new(opening)), Session::Agent(Box::new(session))))
}

/// The last user message with the reminders after it, and all that came before. `None` when the
/// conversation ends otherwise, with tool results say.
fn split(messages: &[Message]) -> (&[Message], Option<&[Message]>) {
    let trailing = messages
        .iter()
        .rposition(|message| !matches!(message, Message::Instruction(_)))
        .filter(|&at| matches!(messages[at], Message::User(_)));
    match trailing {
        Some(at) => (&messages[..at], Some(&messages[at..])),
        None => (messages, None),
    }
}

fn user_message(
    current: &[Message],
    prefix: &str,
    uuid: &mut dyn FnMut() -> Uuid,
) -> (UserMessage, bool) {
    let mut texts = Vec::new();
    let mut images = Vec::new();
    if !prefix.is_empty() {
        texts.push(prefix.to_owned());
    }
    for message in current {
        match message {
            Message::User(parts) => {
                for part in parts {
                    match part {
                        Part::Text(text) => texts.push(text.clone()),
                        Part::File(file) => texts.push(as_document(&file.name, &file.text)),
                        Part::Image(image) => images.push(selected_image(image, uuid())),
                        Part::Reasoning(_) | Part::ToolCall(_) => {}
                    }
                }
            }
            Message::Instruction(text) => texts.push(as_reminder(text)),
            Message::Assistant(_) | Message::ToolResults(_) => {}
        }
    }
    let has_images = !images.is_empty();
    let mut message = UserMessage {
        text: texts.join("\n"),
        message_id: uuid().to_string(),
        // Without tools of the client's there is nothing to act on: answer only.
        mode: AgentMode::AGENT_MODE_ASK.into(),
        ..Default::default()
    };
    if has_images {
        message.selected_context =
            SelectedContext { selected_images: images, ..Default::default() }.into();
    }
    (message, has_images)
}

fn selected_image(image: &Image, uuid: Uuid) -> SelectedImage {
    SelectedImage {
        uuid: uuid.to_string(),
        path: format!("image.{}", image.format.extension()),
        dimension: Dimension {
            width: i32::try_from(image.width).unwrap_or(i32::MAX),
            height: i32::try_from(image.height).unwrap_or(i32::MAX),
            ..Default::default()
        }
        .into(),
        mime_type: image.format.mime_type().to_owned(),
        data_or_blob_id: Some(DataOrBlobId::Data(image.data.clone())),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use cursor_proto::agent::oneof::agent_client_message::Message as Arm;
    use cursor_proto::agent::oneof::conversation_action::Action;

    use super::*;

    fn options() -> AgentOptions {
        AgentOptions {
            instructions: InstructionChannel::default(),
            history: HistoryChannel::default(),
            timezone: "UTC".into(),
        }
    }

    fn run(turn: &Turn, options: &AgentOptions) -> AgentRunRequest {
        let (message, _) = open(turn, options, None, &mut || Uuid::nil()).expect("opens");
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
        let failure =
            open(&turn, &options(), None, &mut || Uuid::nil()).expect_err("nothing to say");
        assert_eq!(failure.param.as_deref(), Some("messages"));
    }
}
