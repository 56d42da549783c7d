//! The sentences of good answers, as documented, and their twins in English.

use crate::language::Language;

/// `已…{}个…, {}个令牌…失败`.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bulk {
    Profiles,
    ConfigVersions,
    Refreshed,
    Status,
    Alias,
    Proxy,
    Timezone,
    Merged,
    Tags,
    Tested,
    MarksCleared,
    KeysRevoked,
    KeysDeleted,
}

/// How many it worked for, and how many not.
pub(super) fn bulk(bulk: Bulk, language: Language, done: usize, failed: usize) -> String {
    match language {
        Language::Chinese => {
            let (verb, what, failing) = match bulk {
                Bulk::Profiles => ("已更新", "令牌配置", "令牌更新失败"),
                Bulk::ConfigVersions => ("已更新", "令牌配置版本", "令牌更新失败"),
                Bulk::Refreshed => ("已刷新", "令牌", "令牌刷新失败"),
                Bulk::Status => ("已设置", "令牌状态", "令牌设置失败"),
                Bulk::Alias => ("已设置", "令牌别名", "令牌设置失败"),
                Bulk::Proxy => ("已设置", "令牌代理", "令牌设置失败"),
                Bulk::Timezone => ("已设置", "令牌时区", "令牌设置失败"),
                Bulk::Merged => ("已合并", "令牌", "令牌合并失败"),
                Bulk::Tags => ("已更新", "令牌标签", "令牌更新失败"),
                Bulk::Tested => ("已验证", "令牌", "令牌验证失败"),
                Bulk::MarksCleared => ("已清除", "令牌标记", "令牌清除失败"),
                Bulk::KeysRevoked => ("已吊销", "密钥", "密钥吊销失败"),
                Bulk::KeysDeleted => ("已删除", "密钥", "密钥删除失败"),
            };
            format!("{verb}{done}个{what}, {failed}个{failing}")
        }
        Language::English => {
            let what = match bulk {
                Bulk::Profiles => "token profiles updated",
                Bulk::ConfigVersions => "token config versions updated",
                Bulk::Refreshed => "tokens refreshed",
                Bulk::Status => "token states set",
                Bulk::Alias => "token aliases set",
                Bulk::Proxy => "token proxies set",
                Bulk::Timezone => "token time zones set",
                Bulk::Merged => "tokens merged",
                Bulk::Tags => "token tags updated",
                Bulk::Tested => "tokens accepted",
                Bulk::MarksCleared => "token marks cleared",
                Bulk::KeysRevoked => "keys revoked",
                Bulk::KeysDeleted => "keys deleted",
            };
            format!("{done} {what}, {failed} failed")
        }
    }
}

/// Documented in English.
pub(super) const TOKENS_SET: &str = "Token files have been updated and reloaded";

/// Documented in English.
pub(super) fn tokens_added(added: usize) -> &'static str {
    if added > 0 { "New tokens have been added and reloaded" } else { "No new tokens were added" }
}

pub(super) fn tags_set(language: Language) -> String {
    language.pick("标签更新成功", "Tags have been updated").to_owned()
}

pub(super) fn proxies_set(language: Language) -> String {
    language.pick("代理配置已更新", "The proxies have been updated").to_owned()
}

pub(super) fn proxies_added(language: Language, added: usize) -> String {
    match (language, added) {
        (Language::Chinese, 0) => "没有添加新代理".to_owned(),
        (Language::Chinese, added) => format!("已添加 {added} 个新代理"),
        (Language::English, 0) => "No new proxies were added".to_owned(),
        (Language::English, added) => format!("{added} new proxies added"),
    }
}

pub(super) fn general_set(language: Language) -> String {
    language.pick("通用代理已设置", "The general proxy has been set").to_owned()
}

pub(super) fn key_created(language: Language) -> &'static str {
    language.pick(
        "密钥已创建, 仅显示一次, 请妥善保存",
        "The key has been created. It is shown only once: keep it now",
    )
}

pub(super) fn key_rotated(language: Language) -> &'static str {
    language.pick(
        "密钥已轮换, 新密钥仅显示一次, 请妥善保存",
        "The key has been rotated. The new one is shown only once: keep it now",
    )
}

pub(super) fn key_set(language: Language) -> &'static str {
    language.pick("密钥配置已更新", "The key has been updated")
}

pub(super) fn upgraded(language: Language) -> &'static str {
    language.pick("令牌升级成功", "The token has been upgraded")
}

pub(super) fn not_upgraded(language: Language) -> &'static str {
    language.pick("令牌升级失败", "The token could not be upgraded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_as_documented() {
        for (which, documented) in [
            (Bulk::Profiles, "已更新3个令牌配置, 1个令牌更新失败"),
            (Bulk::ConfigVersions, "已更新3个令牌配置版本, 1个令牌更新失败"),
            (Bulk::Refreshed, "已刷新3个令牌, 1个令牌刷新失败"),
            (Bulk::Status, "已设置3个令牌状态, 1个令牌设置失败"),
            (Bulk::Alias, "已设置3个令牌别名, 1个令牌设置失败"),
            (Bulk::Proxy, "已设置3个令牌代理, 1个令牌设置失败"),
            (Bulk::Timezone, "已设置3个令牌时区, 1个令牌设置失败"),
            (Bulk::Merged, "已合并3个令牌, 1个令牌合并失败"),
        ] {
            assert_eq!(bulk(which, Language::Chinese, 3, 1), documented);
        }
        assert_eq!(bulk(Bulk::Merged, Language::English, 3, 1), "3 tokens merged, 1 failed");
        assert_eq!(proxies_added(Language::Chinese, 2), "已添加 2 个新代理");
        assert_eq!(proxies_added(Language::Chinese, 0), "没有添加新代理");
    }
}
