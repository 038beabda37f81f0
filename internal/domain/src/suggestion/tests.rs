use super::*;

/// The correction by these texts, the likest first; what an engine would never propose finds its way here, too.
fn corrected(typed: &str, texts: &[&str]) -> Option<String> {
    let text = SearchText::parse(typed.to_owned()).unwrap().unwrap();
    MistypedText::of(&text)?.corrected(texts.iter().copied())
}

#[test]
fn words_are_replaced_and_all_else_stays_as_it_was_typed() {
    let text = "Water the garden plants, buy oat milk";
    for (typed, wanted) in [
        ("kater", "water"),
        ("Kater  PLANTS!", "water  PLANTS!"),
        ("harden plnats ", "garden plants "),
        ("wxtxr -rye", "water -rye"),
        ("-\"rye bread\" \"oat mlik\"", "-\"rye bread\" \"oat milk\""),
        ("“wayer teh” plants", "“water the” plants"),
        ("aot", "oat"),
        ("oatmilk", "oat milk"),
        ("\"oatmilk\"", "\"oat milk\""),
        ("oat mi lk", "oat milk"),
        ("\"plan ts buy\" oat", "\"plants buy\" oat"),
        ("kater pla", "water pla"),
        ("kater (mi", "water (mi"),
    ] {
        assert_eq!(corrected(typed, &[text]).as_deref(), Some(wanted), "{typed}");
    }
}

#[test]
fn what_is_too_far_away_or_found_already_is_not_corrected() {
    let text = "water the garden plants, buy oat milk";
    for typed in [
        "kxtxr",
        "xy",
        "mxxk",
        "water",
        "wat",
        "\"milk oat\"",
        "\"garden buy\"",
        "\"mxlk oat\"",
        "\"oat bux\"",
        "\"gardenplants x\"",
        "-kater",
        "!!!",
        "kater zzzzz",
        "oat, mi, lk",
    ] {
        assert_eq!(corrected(typed, &[text]), None, "{typed}");
    }
}

#[test]
fn the_fewest_typos_are_corrected_and_of_equals_what_most_have() {
    let texts = ["bat milk", "cat milk", "oat milk", "oat and milk", "tea and mint"];
    assert_eq!(corrected("xat milk", &texts).unwrap(), "oat milk");
    assert_eq!(corrected("xat milx", &texts).unwrap(), "oat milk");
    assert_eq!(
        corrected("xat milk", &["cat milk", "oat milk"]).unwrap(),
        "cat milk"
    );
    assert_eq!(corrected("xater", &["waiter cater", "later"]).unwrap(), "cater");
    let far = ["matter matter", "matter", "water"];
    assert_eq!(corrected("xater", &far).unwrap(), "water");
}

#[test]
fn only_the_whole_of_an_open_word_is_corrected_and_a_closed_one_is_no_beginning() {
    assert_eq!(corrected("kater pla", &["water plants"]).unwrap(), "water pla");
    assert_eq!(corrected("kater pla ", &["water plants"]), None);
    assert_eq!(corrected("pla kater", &["water plants"]), None);
    assert_eq!(corrected("rla", &["plants"]), None);
}

/// What stands in a task may look like anything.
#[test]
fn a_correction_is_read_as_it_is_meant_or_not_made() {
    // Two numbers with a comma between would be one.
    assert_eq!(corrected("xxx1,xxx2", &["xxy1 xxy2"]).unwrap(), "xxy1,xxy2");
    assert_eq!(corrected("111x,222x", &["1111 2222"]), None);
    // A quote inside a word closes nothing.
    assert_eq!(
        corrected("\"צה\"ח שלום\"", &["צה\"ל שלום"]).unwrap(),
        "\"צה\"ל שלום\""
    );
    let long = format!("{}abcd {}", "x ".repeat(14), " ".repeat(991));
    assert_eq!(long.chars().count(), 1_024);
    let text = "x ".repeat(14) + "abcde";
    assert_eq!(corrected(&long, &[&text]), None);
    assert!(corrected(&long[1..], &[&text]).is_some());
}

#[test]
fn of_very_many_words_none_is_corrected() {
    let most = "kater ".repeat(MistypedText::MAX_WORDS);
    assert!(corrected(&most, &["water"]).is_some());
    assert!(corrected(&format!("{most}\"kater\""), &["water"]).is_none());
    assert!(corrected(&format!("{most}-kater"), &["water"]).is_some());
}

#[test]
fn each_word_says_what_it_may_be() {
    let text = SearchText::parse("\"to day\" alot it's o x".to_owned())
        .unwrap()
        .unwrap();
    let text = MistypedText::of(&text).unwrap();
    let told = text.words().iter().map(|word| {
        let respaced: Vec<_> = word.respaced.iter().map(|words| words.join("+")).collect();
        format!("{} {} {}", word.word, word.typos(), respaced.join(" "))
    });
    let wanted = [
        "alot 1 a+lot al+ot alo+t alotit's",
        "it's 1 i+t's alotit's it'so",
        "o 0 it'so ox",
        "x 0 ox",
        "to 0 today",
        "day 1 today",
    ];
    assert_eq!(told.collect::<Vec<_>>(), wanted);
    assert!(text.words()[3].is_open && !text.words()[5].is_open);
    assert!(
        text.words()[0].likeness(1).of("slot").is_some() && text.words()[0].likeness(0).of("slot").is_none()
    );
}
