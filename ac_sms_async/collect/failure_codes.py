"""What failure codes mean, and what to do about them, for people who don't read a carrier's manual."""

from __future__ import annotations

from attrs import frozen

__all__ = ["FailureMeaning", "failure_meaning"]


@frozen
class FailureMeaning:
    """A code in words: what happened, and what can be done."""

    meaning: str
    advice: str


_UNKNOWN = FailureMeaning("Not a code this report knows", "Look it up where the error comes from.")

# Twilio's public error dictionary, in short.
_TWILIO: dict[str, FailureMeaning] = {
    code: FailureMeaning(meaning, advice)
    for code, meaning, advice in (
        ("21211", "Not a valid phone number", "Correct the number or remove the contact."),
        ("21408", "Sending to this country is not enabled", "Have the country enabled, or leave these contacts out."),
        ("21610", "The contact had opted out (STOP)", "Nothing: they must text START themselves to come back."),
        ("21611", "Too many messages were waiting to be sent", "Spread the broadcast over a longer time."),
        ("21612", "The sender cannot reach this number", "Check the sender for that country."),
        ("21614", "Not a mobile number", "Ask the contact for a mobile number."),
        ("21617", "The message is too long", "Shorten it."),
        ("30001", "The waiting line was full", "Spread the broadcast over a longer time."),
        ("30002", "The sending account was suspended", "Ask ActiveCampaign's support."),
        ("30003", "The phone was off, out of reach or can't take texts", "Usually passes; remove after several times."),
        ("30004", "The message was blocked", "The phone or carrier refuses your texts: remove the contact."),
        ("30005", "The number is unknown or no longer in service", "Remove the contact: this number costs credits."),
        ("30006", "A landline, or a carrier that can't be reached", "Ask for a mobile number, or remove the contact."),
        (
            "30007",
            "The carrier filtered it as unwanted",
            "Check wording, links and opt-in; avoid public link shorteners.",
        ),
        ("30008", "The carrier gave no reason", "Usually passes; look again if it is often."),
        ("30010", "The message cost more than the allowed maximum", "Ask ActiveCampaign's support."),
        ("30011", "The phone or carrier can't take pictures (MMS)", "Send text alone to these contacts."),
        ("30017", "The carrier's network was congested", "Usually passes."),
        ("30018", "The carrier wants senders registered beforehand", "Register the sender for that country."),
        ("30019", "The picture or text was too large for the carrier", "Make the media smaller."),
        ("30022", "Sent faster than the registered campaign may", "Spread the broadcast over a longer time."),
        ("30023", "The sender's daily limit was reached", "Spread large broadcasts over several days."),
        ("30024", "The sender is not yet known to the carrier", "Wait until registration is through."),
        ("30027", "The daily limit at T-Mobile (US) was reached", "Spread large broadcasts over several days."),
        ("30032", "The toll-free number is not verified", "Finish the verification of the sender."),
        ("30034", "The US number is not registered (A2P 10DLC)", "Finish the registration of the sender."),
        ("30036", "It could not be delivered in time", "Usually passes."),
        ("30410", "The carrier did not answer in time", "Usually passes."),
    )
}


def failure_meaning(code: str, source: str) -> FailureMeaning:
    """What `code` from `source` (`twilio`, `ac` or empty) means, in words."""
    if source in ("twilio", "") and code in _TWILIO:
        return _TWILIO[code]
    if source == "ac":
        return FailureMeaning(
            "ActiveCampaign did not hand it to the carrier", "Ask ActiveCampaign's support, with the code."
        )
    return _UNKNOWN
