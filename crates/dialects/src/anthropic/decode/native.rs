//! Tools that the API defines and the client runs. Requests name only their type, because the
//! models of the API know them; here they are written out like any other tool.

/// Tools of one kind; their versions differ little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Bash,
    TextEditor,
    Memory,
    Computer,
}

impl Family {
    /// `type` without its date.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "bash" => Some(Self::Bash),
            "text_editor" => Some(Self::TextEditor),
            "memory" => Some(Self::Memory),
            "computer" => Some(Self::Computer),
            _ => None,
        }
    }

    pub(super) fn usual_name(self) -> &'static str {
        match self {
            Self::Bash => "bash",
            Self::TextEditor => "str_replace_based_edit_tool",
            Self::Memory => "memory",
            Self::Computer => "computer",
        }
    }

    /// `display` is width and height of the screen, in pixels.
    pub(super) fn description(self, display: Option<(u64, u64)>) -> String {
        let text = match self {
            Self::Bash => {
                "Runs a command in a bash shell that keeps its state from call to call, or \
                 restarts that shell."
            }
            Self::TextEditor => {
                "Views, creates and edits text files. `view` shows a file with line numbers or \
                 lists a directory, `create` writes a whole file, `str_replace` replaces a text \
                 that occurs exactly once, `insert` puts text after a line."
            }
            Self::Memory => {
                "Keeps notes in files under /memories that outlive this conversation. Look there \
                 before you begin, and write down what will be worth knowing later."
            }
            Self::Computer => {
                "Operates a desktop with mouse and keyboard, and shows it with `screenshot`. \
                 Coordinates are pixels from the upper left corner."
            }
        };
        match display {
            Some((width, height)) => format!("{text} The screen has {width} × {height} pixels."),
            None => text.to_owned(),
        }
    }

    /// JSON Schema of the input.
    pub(super) fn schema(self) -> &'static str {
        match self {
            Self::Bash => BASH,
            Self::TextEditor => TEXT_EDITOR,
            Self::Memory => MEMORY,
            Self::Computer => COMPUTER,
        }
    }
}

const BASH: &str = r#"{"type":"object","properties":{
"command":{"type":"string","description":"What to run. Needed unless the shell is restarted."},
"restart":{"type":"boolean","description":"True restarts the shell instead."}}}"#;

const TEXT_EDITOR: &str = r#"{"type":"object","properties":{
"command":{"type":"string","enum":["view","create","str_replace","insert"]},
"path":{"type":"string","description":"File or directory."},
"view_range":{"type":"array","items":{"type":"integer"},"description":"For view: first and last line, counted from 1; -1 is the end of the file."},
"file_text":{"type":"string","description":"For create: the whole content."},
"old_str":{"type":"string","description":"For str_replace: the text to replace, exactly as it stands."},
"new_str":{"type":"string","description":"For str_replace: what takes its place."},
"insert_line":{"type":"integer","description":"For insert: the line after which the text goes; 0 is the beginning."},
"insert_text":{"type":"string","description":"For insert: the text."}},
"required":["command","path"]}"#;

const MEMORY: &str = r#"{"type":"object","properties":{
"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"]},
"path":{"type":"string","description":"File or directory under /memories, for all but rename."},
"view_range":{"type":"array","items":{"type":"integer"},"description":"For view: first and last line."},
"file_text":{"type":"string","description":"For create: the whole content."},
"old_str":{"type":"string","description":"For str_replace: the text to replace."},
"new_str":{"type":"string","description":"For str_replace: what takes its place."},
"insert_line":{"type":"integer","description":"For insert: the line after which the text goes."},
"insert_text":{"type":"string","description":"For insert: the text."},
"old_path":{"type":"string","description":"For rename: the present path."},
"new_path":{"type":"string","description":"For rename: the new path."}},
"required":["command"]}"#;

const COMPUTER: &str = r#"{"type":"object","properties":{
"action":{"type":"string","enum":["screenshot","key","type","mouse_move","left_click","left_click_drag","right_click","middle_click","double_click","triple_click","left_mouse_down","left_mouse_up","scroll","hold_key","wait","cursor_position","zoom"]},
"coordinate":{"type":"array","items":{"type":"integer"},"description":"x and y: where to click, move, drag to or scroll."},
"start_coordinate":{"type":"array","items":{"type":"integer"},"description":"For left_click_drag: x and y of its beginning."},
"text":{"type":"string","description":"What to type, or the keys to press, such as ctrl+s."},
"scroll_direction":{"type":"string","enum":["up","down","left","right"]},
"scroll_amount":{"type":"integer","description":"For scroll: clicks of the wheel."},
"duration":{"type":"number","description":"For hold_key and wait: seconds."},
"region":{"type":"array","items":{"type":"integer"},"description":"For zoom: left, top, right and bottom."}},
"required":["action"]}"#;

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_schema_is_an_object_whose_required_fields_exist() {
        for family in [Family::Bash, Family::TextEditor, Family::Memory, Family::Computer] {
            let schema: Value = serde_json::from_str(family.schema()).expect("JSON");
            assert_eq!(schema["type"], "object");
            for name in schema["required"].as_array().into_iter().flatten() {
                let name = name.as_str().expect("a name");
                assert!(schema["properties"][name].is_object(), "{family:?} {name}");
            }
            assert!(!family.description(None).is_empty());
        }
        let text = Family::Computer.description(Some((1024, 768)));
        assert!(text.ends_with("1024 × 768 pixels."), "{text}");
    }
}
