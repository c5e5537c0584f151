// Text within a script within a page. `<` is written `\u003c`, so that neither `</script>` nor `<!--` ends it, and so are the two
// line breaks that are none in JSON and were some in JavaScript before 2019, U+2028 and U+2029.

extension ByteBuffer {
    /// Appends UTF-8 bytes as a string of JavaScript with its quotes.
    public mutating func appendScriptString(_ text: UnsafeRawBufferPointer) {
        append(UInt8(ascii: "\""))
        appendScript(text, isWithinString: true)
        append(UInt8(ascii: "\""))
    }

    /// Appends valid JSON so that it is an expression of JavaScript: what is special there is so within strings only.
    public mutating func append(scriptJSON json: UnsafeRawBufferPointer) {
        appendScript(json, isWithinString: false)
    }

    private mutating func appendScript(_ text: UnsafeRawBufferPointer, isWithinString: Bool) {
        var done = 0
        var index = 0
        while index < text.count {
            guard let special = ScriptText.Special(text, at: index, isWithinString: isWithinString) else {
                index += 1
                continue
            }
            append(UnsafeRawBufferPointer(rebasing: text[done..<index]))
            switch special {
            case .lessThan: append("\\u003c")
            case .lineSeparator: append("\\u2028")
            case .paragraphSeparator: append("\\u2029")
            case .ofJSON: appendEscaped(UnsafeRawBufferPointer(rebasing: text[index..<index + 1]))
            }
            index += special.byteCount
            done = index
        }
        append(UnsafeRawBufferPointer(rebasing: text[done...]))
    }
}

private enum ScriptText {
    /// What must be written otherwise.
    enum Special {
        case lessThan
        case lineSeparator
        case paragraphSeparator
        /// Anything that JSON escapes in a string.
        case ofJSON

        init?(_ text: UnsafeRawBufferPointer, at index: Int, isWithinString: Bool) {
            switch text[index] {
            case UInt8(ascii: "<"): self = .lessThan
            case 0xE2 where index + 2 < text.count && text[index + 1] == 0x80 && text[index + 2] == 0xA8:
                self = .lineSeparator
            case 0xE2 where index + 2 < text.count && text[index + 1] == 0x80 && text[index + 2] == 0xA9:
                self = .paragraphSeparator
            case let byte where isWithinString && JSONString.mustEscape(byte): self = .ofJSON
            default: return nil
            }
        }

        var byteCount: Int {
            switch self {
            case .lessThan, .ofJSON: 1
            case .lineSeparator, .paragraphSeparator: 3
            }
        }
    }
}
