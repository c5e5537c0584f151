extension Carrier {
    /// One answer, when there is something to tell: `AnswerBody.appendPoll` writes it, so no message comes by itself.
    public static let poll = Carrier(
        "poll",
        [.isOneAnswer, .takesJSONOnly],
        contentType: "application/json",
        answer: { json, _, output in output.append(json) }
    )
}
