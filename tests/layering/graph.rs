//! Which file imports which: paths of the sources, followed to the files that define the names.

use std::collections::{BTreeMap, BTreeSet};

use super::scope::{Names, Scope};
use crate::sources::{tokens, without_tests};

/// One file of `src/`.
struct Source {
    /// Path below `src/`.
    path: String,
    module: Names,
    /// Only compiled for tests.
    for_tests: bool,
    code: Scope,
    /// With the items under `#[cfg(test)]`.
    all: Scope,
}

impl Source {
    fn is_facade(&self) -> bool {
        self.path.ends_with("mod.rs")
    }
}

/// One import of one file.
pub(crate) struct Import<'t> {
    /// Path of the importing file below `src/`.
    pub(crate) from: &'t str,
    /// Line of the path in that file.
    pub(crate) line: usize,
    /// Room that the path names.
    pub(crate) room: String,
}

/// All files of `src/`.
pub(crate) struct Tree {
    sources: Vec<Source>,
    modules: BTreeMap<Names, usize>,
    /// Imports between files of one room, with their lines; those of tests and of the root left out.
    edges: Edges,
}

/// Importing and imported file, and the lines of the import.
type Edges = BTreeMap<(usize, usize), Vec<usize>>;

/// Room of a file at `path` below `src/`.
pub(crate) fn room(path: &str) -> &str {
    path.split(['/', '.']).next().unwrap_or_default()
}

impl Tree {
    /// The tree of `(path below the package, text)`.
    pub(crate) fn of(texts: &[(String, String)]) -> Self {
        let mut sources = Vec::new();
        let mut modules = BTreeMap::new();
        let mut for_tests: Vec<Names> = Vec::new();
        for (path, text) in texts {
            let path = path.strip_prefix("src/").unwrap_or(path).to_owned();
            let module = module_of(&path);
            let all = tokens(text);
            let (code, test_modules) = without_tests(&all);
            for_tests.extend(test_modules.into_iter().map(|name| child(&module, &name)));
            modules.insert(module.clone(), sources.len());
            sources.push(Source {
                code: Scope::of(&code),
                all: Scope::of(&all),
                for_tests: false,
                path,
                module,
            });
        }
        for source in &mut sources {
            source.for_tests = for_tests.iter().any(|module| source.module.starts_with(module));
        }
        let mut tree = Self { sources, modules, edges: Edges::new() };
        tree.edges = tree.edges_of_rooms();
        tree
    }

    /// Rooms that have a file.
    pub(crate) fn rooms(&self) -> BTreeSet<&str> {
        self.sources.iter().map(|source| room(&source.path)).collect()
    }

    /// Imports of each file, by the rooms that the paths name; those of tests as well when `tests`.
    pub(crate) fn imports(&self, tests: bool) -> Vec<Import<'_>> {
        let mut found = Vec::new();
        for source in self.sources.iter().filter(|source| tests || !source.for_tests) {
            let scope = if tests { &source.all } else { &source.code };
            for used in &scope.uses {
                let names = self.absolute(source, scope, &used.names);
                let first =
                    names.first().filter(|first| self.modules.contains_key(std::slice::from_ref(*first)));
                if let Some(first) = first {
                    found.push(Import { from: &source.path, line: used.line, room: room(first).to_owned() });
                }
            }
        }
        found
    }

    fn edges_of_rooms(&self) -> Edges {
        let mut edges = Edges::new();
        for (from, source) in self.sources.iter().enumerate() {
            if source.for_tests || source.module.is_empty() {
                continue;
            }
            for used in source.code.uses.iter().filter(|used| !(used.handed_on && source.is_facade())) {
                let names = self.absolute(source, &source.code, &used.names);
                let Some(to) = self.file(&names, 0) else { continue };
                if to != from && room(&self.sources[to].path) == room(&source.path) {
                    edges.entry((from, to)).or_default().push(used.line);
                }
            }
        }
        edges
    }

    /// Groups of files of one room that import each other, directly or around. That a façade uses its own folder closes
    /// no group here: see [`Tree::wheels`].
    pub(crate) fn cycles(&self) -> Vec<Vec<&str>> {
        let mut edges = self.edges.clone();
        edges.retain(|(from, to), _| !self.owns(*from, *to));
        let mut rings: BTreeSet<Vec<usize>> = BTreeSet::new();
        let reach: Vec<_> = (0..self.sources.len()).map(|from| reached(&edges, from)).collect();
        for (from, ends) in reach.iter().enumerate() {
            let ring: Vec<usize> = ends.iter().copied().filter(|to| reach[*to].contains(&from)).collect();
            if !ring.is_empty() {
                rings.insert(ring);
            }
        }
        rings
            .into_iter()
            .map(|ring| ring.into_iter().map(|at| self.sources[at].path.as_str()).collect())
            .collect()
    }

    /// Façades that use files of their folder that use, directly or around, what the façade defines.
    pub(crate) fn wheels(&self) -> Vec<&str> {
        let hubs = (0..self.sources.len()).filter(|hub| {
            let mut used = self.edges.keys().filter(|(from, to)| from == hub && self.owns(*hub, *to));
            used.any(|(_, to)| reached(&self.edges, *to).contains(hub))
        });
        hubs.map(|hub| self.sources[hub].path.as_str()).collect()
    }

    /// Imports between the files of `ring`, each as one line to print.
    pub(crate) fn edges_in(&self, ring: &[&str]) -> Vec<String> {
        let path = |at: usize| self.sources[at].path.as_str();
        let edges = self.edges.iter().map(|((from, to), lines)| (path(*from), path(*to), lines));
        let inside = edges.filter(|(from, to, _)| ring.contains(from) && ring.contains(to));
        inside.map(|(from, to, lines)| format!("{from} -> {to} {lines:?}")).collect()
    }

    /// Whether `hub` is the façade of the folder that `file` is in.
    fn owns(&self, hub: usize, file: usize) -> bool {
        self.sources[hub].is_facade() && self.sources[file].module.starts_with(&self.sources[hub].module)
    }

    /// `names`, as written in `source`, from the root of the crate; empty when they lead out of it.
    fn absolute(&self, source: &Source, scope: &Scope, names: &[String]) -> Names {
        let Some((first, rest)) = names.split_first() else { return Names::new() };
        match first.as_str() {
            "crate" | "keyward" => rest.to_vec(),
            "super" | "self" => {
                let mut whole = source.module.clone();
                let climbing =
                    names.iter().take_while(|name| ["super", "self"].contains(&name.as_str())).count();
                let up = names[..climbing].iter().filter(|name| *name == "super").count();
                whole.truncate(whole.len().saturating_sub(up));
                whole.extend_from_slice(&names[climbing..]);
                whole
            }
            _ if self.modules.contains_key(&child(&source.module, first)) => [&source.module, names].concat(),
            _ => match scope.bound.get(first) {
                Some(bound) if bound.first() != Some(first) => {
                    let mut whole = self.absolute(source, &Scope::default(), bound);
                    if !whole.is_empty() {
                        whole.extend_from_slice(rest);
                    }
                    whole
                }
                _ => Names::new(),
            },
        }
    }

    /// The file that defines what `names` lead to; a façade only for what it defines itself.
    fn file(&self, names: &[String], depth: usize) -> Option<usize> {
        const LONGEST: usize = 8;
        let inside = (0..=names.len()).rev().find(|end| self.modules.contains_key(&names[..*end]))?;
        let (module, rest) = names.split_at(inside);
        let at = *self.modules.get(module)?;
        let source = &self.sources[at];
        if module.is_empty() || depth > LONGEST {
            return None;
        }
        let Some((name, after)) = rest.split_first() else { return (!source.is_facade()).then_some(at) };
        if source.code.defined.contains(name) {
            return Some(at);
        }
        let bound = source.code.bound.get(name).map(|bound| (bound, after));
        let globs = source.code.globs.iter().map(|glob| (glob, rest));
        for (start, rest) in bound.into_iter().chain(globs) {
            let start = self.absolute(source, &source.code, start);
            let whole = [&start, rest].concat();
            if start.is_empty() || start == module || whole == names {
                continue;
            }
            if let Some(found) = self.file(&whole, depth + 1) {
                return Some(found);
            }
        }
        Some(at)
    }
}

/// What is reached from `from` by one import or more.
fn reached(edges: &Edges, from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        for (_, to) in edges.range((at, 0)..=(at, usize::MAX)).map(|(edge, _)| edge) {
            if found.insert(*to) {
                next.push(*to);
            }
        }
    }
    found
}

fn child(module: &[String], name: &str) -> Names {
    let mut names = module.to_vec();
    names.push(name.to_owned());
    names
}

/// The module of a file at `path` below `src/`.
fn module_of(path: &str) -> Names {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    if stem == "lib" { Vec::new() } else { stem.split('/').map(str::to_owned).collect() }
}
