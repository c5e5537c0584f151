extension Carrier {
    /// JSON lines: one message in one line, which has the cursor as its last member.
    public static let jsonStream = Carrier(
        "jsonstream",
        [.isStream, .takesJSONOnly, .isRenewed],
        contentType: "application/x-ndjson; charset=utf-8",
        // A reader of lines passes over an empty one.
        heartbeat: "\n",
        start: { _, wishes, output in
            guard wishes.paddingCount > 0 else { return }
            output.append(spaces: wishes.paddingCount)
            output.append("\n")
        },
        message: { message, output in
            output.append(message.data)
            if message.content == .envelope, let cursor = message.cursor { Envelope.addCursor(cursor, to: &output) }
            output.append("\n")
        }
    )
}
