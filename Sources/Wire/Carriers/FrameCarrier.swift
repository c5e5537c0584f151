extension Carrier {
    /// A forever frame: a page that a page has in an `iframe`, and that goes on with one script for each message.
    ///
    /// The script hands the message to a function of the page around it; where that is of another site, which must be listed, it
    /// is posted to it. Source: the technique of 2006, see Russell's "Comet"; the HTML standard, "Cross-document messaging".
    public static let frame = Carrier(
        "frame",
        [.isStream, .takesJSONOnly, .isRenewed, .isScript],
        contentType: "text/html; charset=utf-8",
        heartbeat: "\n",
        head: { pages, output in
            let policy = "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors \(pages)"
            output.append(field: "Content-Security-Policy", utf8: policy)
            // Its address holds a token.
            output.append(field: "Referrer-Policy", "no-referrer")
        },
        start: { _, wishes, output in ForeverFrame.appendStart(wishes, to: &output) },
        message: { message, output in
            var json = ByteBuffer()
            json.append(message.data)
            if message.content == .envelope, let cursor = message.cursor { Envelope.addCursor(cursor, to: &json) }
            output.append("<script>p(")
            output.appendScriptString(json.bytes)
            output.append(")</script>\n")
        }
    )
}

private enum ForeverFrame {
    /// Bytes before the first message at least: Safari shows nothing of a page before it has 1,024.
    static let startBytesMin = 2_048

    static func appendStart(_ wishes: Carrier.Wishes, to output: inout ByteBuffer) {
        let before = output.count
        output.append(
            "<!doctype html><html><head><meta charset=\"utf-8\"><title>Perseid</title></head><body>\n<script>"
        )
        output.append("function p(text){if(parent===self)return;")
        if let page = wishes.page {
            output.append("parent.postMessage(JSON.parse(text),")
            var page = page
            page.withUTF8 { output.appendScriptString(UnsafeRawBufferPointer($0)) }
            output.append(")}")
        } else if let callback = wishes.callback {
            output.append("parent.")
            output.append(utf8: callback.text)
            output.append("(JSON.parse(text))}")
        } else {
            output.append("}")
        }
        output.append("</script>")
        output.append(spaces: max(wishes.paddingCount, startBytesMin + before - output.count, 0))
        output.append("\n")
    }
}
