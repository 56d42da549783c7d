//! The calls of editors, each to its host.

use connectrpc::client::CallOptions;
use conversation::completion::{
    CompletionConfig, CompletionConfigQuery, CompletionModels, CompletionRequest, FileSync,
    FileSyncOutcome, FileUpload,
};
use cursor_proto::aiserver::{
    AiServiceClient, AvailableCppModelsRequest, CppServiceClient, FileSyncServiceClient,
};
use http::{HeaderMap, HeaderValue};

use super::{CompletionStream, EditorIdentity, Region, SetCookies, config, request, sync};
use crate::backend::{Backend, UNARY_TIMEOUT, call_options, within};
use crate::error::UpstreamError;
use crate::identity::{CallStamp, Caller, ClientType};
use crate::transport::{Exchange, Way};

/// The stream of a completion.
const PATH: &str = "/aiserver.v1.AiService/StreamCpp";

/// What a gateway that calls itself the CLI is here: these services are the editor's, and answer
/// the CLI with an empty stream (`reference/messages/completion.md`). A real release.
const EDITOR_VERSION: &str = "2.6.22";

impl Backend {
    /// `AiService/CppConfig`: how the editor should behave.
    ///
    /// # Errors
    /// The call failed; see [`crate::classify`].
    pub async fn completion_config(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        query: &CompletionConfigQuery,
    ) -> Result<CompletionConfig, UpstreamError> {
        let (transport, settings) =
            self.unary_client(&self.endpoints().completion.config, caller)?;
        let client = AiServiceClient::new(transport, settings);
        let options = self.editor_options(caller, stamp, None)?;
        let call = Box::pin(client.cpp_config_with_options(config::query(query), options));
        Ok(config::config(within(UNARY_TIMEOUT, call).await?.into_owned()))
    }

    /// `CppService/AvailableModels`: names for [`CompletionRequest::model_name`].
    ///
    /// # Errors
    /// The call failed; see [`crate::classify`].
    pub async fn completion_models(
        &self,
        caller: &Caller,
        stamp: CallStamp,
    ) -> Result<CompletionModels, UpstreamError> {
        let (transport, settings) = self.unary_client(&self.endpoints().api, caller)?;
        let client = CppServiceClient::new(transport, settings);
        let options = self.editor_options(caller, stamp, None)?;
        let request = AvailableCppModelsRequest::default();
        let call = Box::pin(client.available_models_with_options(request, options));
        Ok(config::models(within(UNARY_TIMEOUT, call).await?.into_owned()))
    }

    /// `FileSyncService/FSUploadFile`: gives the upstream a copy of a whole file.
    ///
    /// # Errors
    /// The call failed, see [`crate::classify`]; the outcome is no error.
    pub async fn upload_file(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        region: Region,
        editor: &EditorIdentity,
        upload: &FileUpload,
    ) -> Result<(FileSyncOutcome, SetCookies), UpstreamError> {
        let (transport, settings) =
            self.unary_client(self.endpoints().completion.of(region), caller)?;
        let client = FileSyncServiceClient::new(transport, settings);
        let options = self.editor_options(caller, stamp, Some(editor))?;
        let call = Box::pin(client.fs_upload_file_with_options(sync::upload(upload), options));
        let (headers, answer, _) = within(UNARY_TIMEOUT, call).await?.into_owned_parts();
        Ok((sync::uploaded(answer.error)?, SetCookies::read(&headers)))
    }

    /// `FileSyncService/FSSyncFile`: changes the upstream's copy.
    ///
    /// # Errors
    /// As for [`Self::upload_file`].
    pub async fn sync_file(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        region: Region,
        editor: &EditorIdentity,
        changes: &FileSync,
    ) -> Result<(FileSyncOutcome, SetCookies), UpstreamError> {
        let (transport, settings) =
            self.unary_client(self.endpoints().completion.of(region), caller)?;
        let client = FileSyncServiceClient::new(transport, settings);
        let options = self.editor_options(caller, stamp, Some(editor))?;
        let call = Box::pin(client.fs_sync_file_with_options(sync::sync(changes), options));
        let (headers, answer, _) = within(UNARY_TIMEOUT, call).await?.into_owned_parts();
        Ok((sync::synced(answer.error)?, SetCookies::read(&headers)))
    }

    /// `AiService/StreamCpp`: asks for a completion. The request is sent; the answer comes by
    /// [`CompletionStream::next`], which has no deadline of its own.
    ///
    /// # Errors
    /// No connection, or it was lost at once.
    pub async fn complete(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        region: Region,
        editor: &EditorIdentity,
        question: &CompletionRequest,
    ) -> Result<CompletionStream, UpstreamError> {
        let headers = self.editor_headers(caller, stamp, Some(editor))?;
        let origin = self.endpoints().completion.of(region).clone();
        let way = Way { origin, via: caller.via.clone() };
        // A request is a big thing to hold in a future.
        let first = Box::new(request::request(question));
        let opening = Exchange::open(self.pool(), &way, PATH, headers, first.as_ref());
        let mut exchange = Box::pin(opening).await?;
        exchange.finish_sending();
        Ok(CompletionStream::new(exchange))
    }

    fn editor_options(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        editor: Option<&EditorIdentity>,
    ) -> Result<CallOptions, UpstreamError> {
        Ok(call_options(self.editor_headers(caller, stamp, editor)?))
    }

    /// The identity as every call has it, but always the editor's, and its files' (§5.1, §5.4).
    pub(super) fn editor_headers(
        &self,
        caller: &Caller,
        stamp: CallStamp,
        editor: Option<&EditorIdentity>,
    ) -> Result<HeaderMap, UpstreamError> {
        let mut headers = HeaderMap::with_capacity(16);
        self.identity().write(caller, stamp, &mut headers);
        match self.identity().client_type {
            ClientType::Ide => {}
            ClientType::Cli => {
                let ide = HeaderValue::from_static(ClientType::Ide.as_str());
                headers.insert("x-cursor-client-type", ide);
                let version = HeaderValue::from_static(EDITOR_VERSION);
                headers.insert("x-cursor-client-version", version);
            }
        }
        if let Some(editor) = editor {
            editor.write(&mut headers)?;
        }
        Ok(headers)
    }
}
