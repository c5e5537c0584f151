extension Carrier {
    /// One answer, when there is something to tell: `AnswerBody.appendPoll` writes it whole, so no message comes by itself.
    public static let poll = Carrier(
        "poll",
        [.isOneAnswer, .takesJSONOnly],
        contentType: "application/json",
        message: { message, output in output.append(message.data) }
    )
}
