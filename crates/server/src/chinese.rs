//! Reasons in Chinese, for answers whose only text is the reason. What has no translation stays as it
//! is: better English than nothing.

use std::borrow::Cow;

/// Whole reasons.
const SENTENCES: &[(&str, &str)] = &[
    (
        "No API key was given. Send the gateway's AUTH_TOKEN, or a key that was made for you, as \
         `Authorization: Bearer KEY` or `x-api-key: KEY`.",
        "未提供 API 密钥。请以 `Authorization: Bearer KEY` 或 `x-api-key: KEY` 发送网关的 AUTH_TOKEN 或为您创建的密钥。",
    ),
    (
        "This key may not be used here: the gateway's AUTH_TOKEN is needed.",
        "此密钥不能用于这里: 需要网关的 AUTH_TOKEN。",
    ),
    (
        "Too many wrong keys came from this address; try again later.",
        "来自此地址的错误密钥过多, 请稍后再试。",
    ),
    ("The API key is not one of this gateway's.", "此 API 密钥不属于本网关。"),
    ("The API key has expired.", "此 API 密钥已过期。"),
    ("The API key was revoked.", "此 API 密钥已被吊销。"),
    (
        "The API key is damaged: a character is missing or wrong.",
        "此 API 密钥已损坏: 有字符缺失或错误。",
    ),
    (
        "What is kept could not be read or written; nothing was changed.",
        "存储无法读写, 未做任何更改。",
    ),
    ("The upstream does not accept the gateway's account.", "上游不接受此账号的凭据。"),
    ("The upstream does not accept this token.", "上游不接受此令牌。"),
    ("The gateway's outbound proxy cannot be reached.", "无法连接网关的出站代理。"),
];

/// Reasons that stand behind the name of a field.
const REASONS: &[(&str, &str)] = &[
    ("expected a string", "应为字符串"),
    ("expected a list", "应为列表"),
    ("expected an object", "应为对象"),
    ("expected a list or an object", "应为列表或对象"),
    ("expected a string or an object", "应为字符串或对象"),
    ("expected a boolean", "应为布尔值"),
    ("expected a number", "应为数字"),
    ("expected a whole number", "应为整数"),
    ("expected a whole number, 0 or more", "应为不小于 0 的整数"),
    ("expected a time such as 2027-01-31T12:00:00Z", "应为时间, 例如 2027-01-31T12:00:00Z"),
    ("expected at least one model", "应至少有一个模型"),
    ("expected at most 3153600000 seconds, a hundred years", "应不超过 3153600000 秒(一百年)"),
    ("give either expires or expires_in", "expires 与 expires_in 只能给出一个"),
    ("has passed", "已过去"),
    ("has expired", "已过期"),
    ("is missing", "缺失"),
    ("is empty", "为空"),
    ("is too long", "过长"),
    ("is no hex", "不是十六进制"),
    ("it is empty", "为空"),
    ("it has blanks or control characters inside", "含有空白或控制字符"),
    ("the user id before `::` is not the token's own", "`::` 前的用户 ID 与令牌不符"),
    (
        "the token's middle part is no JSON with the claims sub and exp",
        "令牌的中间部分不是带有 sub 与 exp 的 JSON",
    ),
    ("must be a UUID", "应为 UUID"),
    ("must have 64 hex characters", "应为 64 个十六进制字符"),
    ("must be Asia, EU or US", "应为 Asia、EU 或 US"),
    ("must be agent or chat", "应为 agent 或 chat"),
    ("must be a session token", "应为会话令牌"),
    ("must be a token, not an API key", "应为令牌, 不能是 API Key"),
    ("must have at most 200 printable characters", "应不超过 200 个可打印字符"),
    ("there is no such proxy", "没有这个代理"),
];

/// Beginnings of reasons whose end is a name or a place.
const BEGINNINGS: &[(&str, &str)] = &[
    ("missing field ", "缺少字段 "),
    ("there is no proxy ", "没有代理 "),
    ("The body is no JSON: ", "请求体不是 JSON: "),
];

/// `text`, or `field: text`, in Chinese.
pub(crate) fn of(text: &str) -> Cow<'_, str> {
    if let Some(known) = SENTENCES.iter().find(|(english, _)| *english == text) {
        return Cow::Borrowed(known.1);
    }
    if let Some(reason) = reason(text) {
        return reason;
    }
    let split = text.split_once(": ");
    match split.and_then(|(field, rest)| Some((field, reason(rest)?))) {
        Some((field, reason)) => Cow::Owned(format!("{field}: {reason}")),
        None => Cow::Borrowed(text),
    }
}

fn reason(text: &str) -> Option<Cow<'static, str>> {
    if let Some((_, chinese)) = REASONS.iter().find(|(english, _)| *english == text) {
        return Some(Cow::Borrowed(*chinese));
    }
    BEGINNINGS.iter().find_map(|(english, chinese)| {
        text.strip_prefix(english).map(|rest| Cow::Owned(format!("{chinese}{rest}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_translated_with_the_field_before_them() {
        for (english, chinese) in [
            ("The API key was revoked.", "此 API 密钥已被吊销。"),
            ("checksum.first: expected a string", "checksum.first: 应为字符串"),
            ("missing field `token`", "缺少字段 `token`"),
            ("tokens[0]: missing field `token`", "tokens[0]: 缺少字段 `token`"),
            ("The body is no JSON: line 1, column 2.", "请求体不是 JSON: line 1, column 2."),
            ("something else: of the upstream", "something else: of the upstream"),
        ] {
            assert_eq!(of(english), chinese);
        }
    }

    #[test]
    fn no_english_text_stands_there_twice() {
        let all = [SENTENCES, REASONS, BEGINNINGS].concat();
        let mut english: Vec<&str> = all.iter().map(|(english, _)| *english).collect();
        english.sort_unstable();
        english.dedup();
        assert_eq!(english.len(), all.len());
    }
}
