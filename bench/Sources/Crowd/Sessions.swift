/// The tokens of a crowd's sessions, side by side.
struct Sessions {
    /// 32 hexadecimal digits, a full stop, 32 more.
    static let tokenByteCount = 65

    private let bytes: UnsafeMutablePointer<UInt8>

    init(count: Int) {
        bytes = .allocate(capacity: count * Sessions.tokenByteCount)
        bytes.initialize(repeating: 0, count: count * Sessions.tokenByteCount)
    }

    /// nil as long as the node has not told one.
    subscript(index: Int) -> String? {
        let start = bytes + index * Sessions.tokenByteCount
        guard start.pointee != 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: start, count: Sessions.tokenByteCount), as: UTF8.self)
    }

    func set(_ index: Int, _ text: Message.ClosedText) {
        guard text.count == Sessions.tokenByteCount else { return }
        UnsafeMutableRawPointer(bytes + index * Sessions.tokenByteCount)
            .copyMemory(from: text.start, byteCount: Sessions.tokenByteCount)
    }
}
