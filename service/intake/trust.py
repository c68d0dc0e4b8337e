"""Whether a delivery is from whom it says: every secret and token that is configured is demanded."""

import orjson

from service.intake.deliveries import BodyError, Content, Delivery, read_content, unpack
from service.intake.forms import FormError, split_form
from service.intake.installation import ConfiguredSource
from service.intake.mapping import search
from service.intake.signatures import Signature, find_tokens, is_known

_MAX_FIELDS = 10_000
_DESCRIBING = ("content-type", "content-encoding")


def find_fault(source: ConfiguredSource, delivery: Delivery, now: float, max_bytes: int) -> str | None:
    """None if `delivery` is authentic, else what was found, what is expected and what to do.

    `now` is in unix seconds. No word of a secret, or of what was sent in its place, is told.
    """
    if not source.secrets and not source.tokens:
        return (
            f"found no secret and no token for the source «{source.name}» on this server, expected at least "
            f"one; add sources.{source.name} to intake.yaml and start the server again"
        )
    if source.secrets:
        assert source.adapter.signature is not None  # the installation's file is refused without
        fault = _find_signature_fault(source.adapter.signature, source.secrets, delivery, now, max_bytes)
        if fault:
            return f"{fault}; give the platform the secret of sources.{source.name} in intake.yaml"
    return _find_token_fault(source, delivery, max_bytes) if source.tokens else None


def read_trusted(source: ConfiguredSource, delivery: Delivery, max_bytes: int) -> tuple[Content, Delivery]:
    """What is in an authentic delivery, and the delivery as far as its proof goes.

    A signature covers the body, or a field of it: then nothing is read from the address, from headers or from
    other fields, which anyone may have added. Raises: BodyError.
    """
    if source.secrets:
        assert source.adapter.signature is not None  # the installation's file is refused without
        delivery = _signed_part(source.adapter.signature, delivery)
    return read_content(delivery, max_bytes), delivery


def _signed_part(signature: Signature, delivery: Delivery) -> Delivery:
    described = {name: delivery.headers[name] for name in _DESCRIBING if name in delivery.headers}
    if not signature.form_field:
        return Delivery(delivery.method, described, "", delivery.body)
    signed = _read_form(delivery).get(signature.signed_field, "")
    return Delivery(delivery.method, {}, "", signed.encode())


def _read_form(delivery: Delivery) -> dict[str, str]:
    """The fields of a plain form, the last of each name. Raises: BodyError."""
    try:
        return dict(split_form(delivery.body, _MAX_FIELDS))
    except FormError as error:
        raise BodyError(str(error)) from None


def _find_signature_fault(
    signature: Signature, secrets: tuple[str, ...], delivery: Delivery, now: float, max_bytes: int
) -> str | None:
    if signature.form_field:
        return _find_form_fault(signature, secrets, delivery, now)
    bodies = [delivery.body]
    try:
        unpacked = unpack(delivery, max_bytes)
    except BodyError:
        unpacked = delivery.body
    if unpacked is not delivery.body:
        bodies.append(unpacked)
    if signature.signs_compact_json:
        bodies += _compact(unpacked)
    return signature.verify(delivery.headers, bodies, secrets, now)


def _find_form_fault(
    signature: Signature, secrets: tuple[str, ...], delivery: Delivery, now: float
) -> str | None:
    try:
        form = _read_form(delivery)
    except BodyError as error:
        return str(error)
    headers = {signature.header: form.get(signature.form_field, "")}
    return signature.verify(headers, [form.get(signature.signed_field, "").encode()], secrets, now)


def _find_token_fault(source: ConfiguredSource, delivery: Delivery, max_bytes: int) -> str | None:
    found = find_tokens(delivery.headers, delivery.parameters)
    if source.adapter.token_places:
        found += _find_body_tokens(source, delivery, max_bytes)
    if is_known(found, source.tokens):
        return None
    places = ["Authorization: Bearer", "X-Api-Key", "?token= in the address"]
    places += [f"«{place}» in the body" for place in source.adapter.token_places]
    said = "a token that is not the right one" if found else "no token"
    return (
        f"found {said}, expected that of the source in {', '.join(places[:-1])} or {places[-1]}; "
        f"give the platform the token of sources.{source.name} in intake.yaml"
    )


def _find_body_tokens(source: ConfiguredSource, delivery: Delivery, max_bytes: int) -> list[str]:
    try:
        documents = read_content(delivery, max_bytes).documents[:1]
    except BodyError:
        return []
    found = [search(place, document) for document in documents for place in source.adapter.token_places]
    return [token for token in found if isinstance(token, str) and token]


def _compact(body: bytes) -> list[bytes]:
    try:
        return [orjson.dumps(orjson.loads(body))]
    except orjson.JSONDecodeError:
        return []
