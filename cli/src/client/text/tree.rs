//! A tree of text, drawn with lines.

/// A line with those below it.
pub struct Tree {
    line: String,
    below: Vec<Tree>,
}

impl Tree {
    pub fn new(line: impl Into<String>) -> Self {
        Self { line: line.into(), below: Vec::new() }
    }

    pub fn push(&mut self, tree: Tree) {
        self.below.push(tree);
    }

    pub fn leaf(&mut self, line: impl Into<String>) {
        self.push(Self::new(line));
    }

    /// The root's line, then the rest from the top down.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.line.clone()];
        self.draw("", &mut lines);
        lines
    }

    fn draw(&self, indent: &str, lines: &mut Vec<String>) {
        for (place, tree) in self.below.iter().enumerate() {
            let (branch, trunk) = if place + 1 == self.below.len() { ("└─ ", "   ") } else { ("├─ ", "│  ") };
            lines.push(format!("{indent}{branch}{}", tree.line));
            tree.draw(&format!("{indent}{trunk}"), lines);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn branches_hang_from_their_trunk() {
        let mut root = Tree::new("root");
        let mut first = Tree::new("first");
        first.leaf("leaf");
        root.push(first);
        root.leaf("last");
        assert_eq!(root.lines(), ["root", "├─ first", "│  └─ leaf", "└─ last"]);
    }
}
