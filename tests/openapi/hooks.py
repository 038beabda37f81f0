"""One more rule for the property tester: what a schema allows is refused only for what a schema cannot say."""

import schemathesis

BEYOND_A_SCHEMA = {
    "duplicate": "categories are equal when case is ignored, and no task may stand twice in a bulk",
    "invalid-cursor": "a cursor is signed",
    "start-after-due": "two times are compared",
    "too-deep": "the tree as it stands decides",
    "unknown-parent": "the tree as it stands decides",
    "window-too-large": "from and size are limited together",
}

# Tags that the tester takes for sound although their pattern does not allow them: a number in a header.
NOT_SOUND = {"if-match": "0", "if-none-match": "0"}


@schemathesis.check
def sound_requests_are_refused_only_beyond_the_schema(ctx, response, case):
    if response.status_code != 400 or not case.meta.generation.mode.is_positive:
        return
    for error in response.json()["errors"]:
        header = error.get("header")
        sent = {name.lower(): value for name, value in (case.headers or {}).items()}
        if header in NOT_SOUND and sent.get(header) == NOT_SOUND[header]:
            continue
        assert error["code"] in BEYOND_A_SCHEMA, f"a sound request was refused: {error}"
