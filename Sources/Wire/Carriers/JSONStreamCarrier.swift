extension Carrier {
    /// JSON lines: one message in one line, which has the cursor as its last member.
    public static let jsonStream = Carrier(
        "jsonstream",
        [.isStream, .takesJSONOnly, .isRenewed],
        contentType: "application/x-ndjson; charset=utf-8",
        // A reader of lines passes over an empty one.
        heartbeat: "\n",
        start: { _, paddingCount, output in
            guard paddingCount > 0 else { return }
            output.append(count: paddingCount) { $0.initializeMemory(as: UInt8.self, repeating: 0x20) }
            output.append("\n")
        },
        message: { message, output in
            output.append(message.data)
            if let cursor = message.cursor { Envelope.addCursor(cursor, to: &output) }
            output.append("\n")
        }
    )
}
