/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A text in, its statistics as JSON out: lines, words, characters, sentences,
 * how many words are different, their mean length, minutes that reading takes,
 * and the most frequent words: ?top=N (10).
 */

use faas::{Request, Response, Result};
use std::collections::HashMap;
use std::fmt::Write;

const TOP: usize = 10;
const WORDS_A_MINUTE: f64 = 220.0;

pub fn handle(req: &Request) -> Result {
    let text = match std::str::from_utf8(&req.body) {
        Ok(text) => text,
        Err(_) => return Ok(Response::from("the text is not UTF-8\n").status(415)),
    };

    Ok(Response::from(statistics(text, top(&req.query)))
        .header("Content-Type", "application/json"))
}

fn top(query: &str) -> usize {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("top="));

    value.and_then(|n| n.parse().ok()).unwrap_or(TOP)
}

fn statistics(text: &str, top: usize) -> String {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let mut words = 0;
    let mut letters = 0;

    let is_between = |c: char| !(c.is_alphanumeric() || c == '\'');

    for word in text.split(is_between).map(|word| word.trim_matches('\'')) {
        if !word.is_empty() {
            words += 1;
            letters += word.chars().count();
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }

    let sentences = text
        .split(|c| matches!(c, '.' | '!' | '?'))
        .filter(|part| part.contains(char::is_alphanumeric))
        .count();
    let mut all: Vec<_> = counts.iter().collect();

    all.sort_by(|(a, n), (b, m)| m.cmp(n).then(a.cmp(b)));

    let mut json = format!(
        "{{\"lines\": {}, \"words\": {}, \"characters\": {}, \"sentences\": {}, \
         \"different\": {}, \"mean_length\": {:.2}, \"minutes\": {:.2}, \"top\": [",
        text.lines().count(),
        words,
        text.chars().count(),
        sentences,
        counts.len(),
        if words == 0 { 0.0 } else { letters as f64 / words as f64 },
        words as f64 / WORDS_A_MINUTE
    );

    // words are letters, digits and apostrophes: nothing to be escaped
    for (i, (word, n)) in all.iter().take(top).enumerate() {
        let comma = if i == 0 { "" } else { ", " };
        let _ = write!(json, "{}{{\"word\": \"{}\", \"count\": {}}}", comma, word, n);
    }

    json + "]}\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts() {
        let json = statistics("One two. Two!", 1);

        assert!(json.contains("\"words\": 3"));
        assert!(json.contains("\"sentences\": 2"));
        assert!(json.contains("[{\"word\": \"two\", \"count\": 2}]"));
    }

    #[test]
    fn nothing() {
        assert!(statistics("", 5).contains("\"mean_length\": 0.00"));
    }
}
