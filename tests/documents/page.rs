//! A page: its blocks of commands, each with the answer printed after it.

/// A page as Markdown.
pub(crate) struct Page {
    /// Path in the repository.
    pub(crate) name: String,
    pub(crate) steps: Vec<Step>,
}

/// A block of commands.
pub(crate) struct Step {
    /// Line of the page where the block begins, from 1.
    pub(crate) line: usize,
    /// Commands; one that goes on over several lines is one item.
    pub(crate) commands: Vec<String>,
    pub(crate) answer: Option<Answer>,
}

/// An answer as printed.
pub(crate) struct Answer {
    /// White space between values does not count.
    pub(crate) is_json: bool,
    pub(crate) text: String,
}

const ANSWERS: [&str; 3] = ["text", "json", "xml"];

impl Page {
    pub(crate) fn parse(name: &str, text: &str) -> Self {
        let mut steps: Vec<Step> = Vec::new();
        // Whether a block of commands came last, with nothing but empty lines since.
        let mut is_open = false;
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let Some(language) = line.strip_prefix("```") else {
                is_open &= line.is_empty();
                continue;
            };
            let block: Vec<&str> =
                lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
            if language == "sh" {
                steps.push(Step { line: number + 1, commands: commands(&block), answer: None });
                is_open = true;
            } else if is_open && ANSWERS.contains(&language) {
                let text = block.join("\n");
                steps.last_mut().unwrap().answer = Some(Answer { is_json: language == "json", text });
                is_open = false;
            }
        }
        Self { name: name.to_owned(), steps }
    }
}

/// The commands of a block: a line that ends with a backslash or leaves a quote or a here-document open goes on.
fn commands(block: &[&str]) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    let mut is_open = false;
    for line in block {
        match commands.last_mut() {
            Some(last) if is_open => {
                last.push('\n');
                last.push_str(line);
            }
            _ => commands.push((*line).to_owned()),
        }
        is_open = commands.last().is_some_and(|last| goes_on(last));
    }
    commands
}

fn goes_on(command: &str) -> bool {
    let here = command.contains("<<'END'") && !command.ends_with("\nEND");
    let quotes = command.replace("'\\''", "").matches('\'').count();
    here || command.ends_with('\\') || quotes % 2 == 1
}
