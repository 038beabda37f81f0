"""One more rule for the property tester: what a schema allows is refused only for what a schema cannot say."""

import schemathesis
from schemathesis.core.parameters import ParameterLocation

BEYOND_A_SCHEMA = {
    "duplicate": "categories are equal when case is ignored, and no task may stand twice in a bulk",
    "empty-page": "a page of a walk shows at least one task",
    "from-with-cursor": "a cursor says where its page begins",
    "invalid-cursor": "a cursor is signed",
    "start-after-due": "two times are compared",
    "too-deep": "the tree as it stands decides",
    "too-many-phrases": "phrases and exclusions are counted",
    "too-many-words": "words are counted",
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


@schemathesis.check
def an_unsound_bulk_has_an_operation_that_is_refused(ctx, response, case):
    if case.path != "/tasks/bulk" or response.status_code != 200 or not case.meta.generation.mode.is_negative:
        return
    # What is wrong with a header or the query alone leaves the operations sound.
    body = case.meta.components.get(ParameterLocation.BODY)
    if body is None or not body.mode.is_negative:
        return
    statuses = [result["status"] for result in response.json()["results"]]
    assert any(status >= 400 for status in statuses), f"an unsound bulk was carried out whole: {statuses}"
