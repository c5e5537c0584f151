internal import CBench

/// What a crowd is told to do, line by line on standard input.
struct Orders {
    enum Order: Equatable {
        /// All of them to channels of so many kinds, with at most so many under way.
        case connect(underWay: Int, kinds: Int)
        /// All of them to a channel of one more kind.
        case subscribe(underWay: Int, kind: Int)
        /// Who has moved counts as having been there all the time.
        case settle
        /// Counts what never came, which is to be zero when nothing is on its way.
        case check
    }

    private(set) var isOver = false
    private var rest = ""

    /// What can be read now.
    mutating func read() -> [Order] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = bench_read(0, &bytes, bytes.count)
        guard count > 0 else {
            isOver = count != -Int(EAGAIN) && count != -Int(EINTR)
            return []
        }
        return parse(String(decoding: bytes.prefix(count), as: UTF8.self))
    }

    mutating func parse(_ text: String) -> [Order] {
        var lines = (rest + text).split(separator: "\n", omittingEmptySubsequences: false)
        rest = String(lines.removeLast())
        return lines.compactMap { order($0) }
    }

    private mutating func order(_ line: Substring) -> Order? {
        let words = line.split(separator: " ")
        let numbers = words.dropFirst().compactMap { Int($0) }
        switch words.first {
        case "connect" where numbers.count == 2:
            return .connect(underWay: numbers[0], kinds: min(3, max(1, numbers[1])))
        case "subscribe" where numbers.count == 2:
            return .subscribe(underWay: numbers[0], kind: min(2, max(0, numbers[1])))
        case "settle": return .settle
        case "check": return .check
        default:
            // What is not understood would be waited for in vain.
            isOver = true
            return nil
        }
    }
}
