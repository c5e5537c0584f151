import Broker
import Foundation
import Reactor
import Synchronization

/// Shows how many there are, and how many a second, where standard error is a terminal; elsewhere it only counts.
final class Meter: Sendable {
    private let counter = Counter()

    /// Where a terminal is, `text` says what is shown of the number and of the rate, once a second.
    init(_ text: @Sendable @escaping (_ count: Int, _ perSecond: Int) -> String) {
        guard StandardError.isTerminal else { return }
        // Ends with the process, as the command does that it is part of.
        Thread.detachNewThread { [weak self] in
            var last = 0
            while let counter = self?.counter {
                let now = counter.value
                ProgressLine.shared.show(text(now, now - last))
                last = now
                Thread.sleep(forTimeInterval: 1)
            }
        }
    }

    /// There is one more.
    func count() { counter.add(1) }

    /// How many there are.
    var value: Int { counter.value }
}

/// The last line of a terminal, which is written anew each time; what is said otherwise goes above it.
final class ProgressLine: Sendable {
    static let shared = ProgressLine()

    private let text = Lock("")

    /// To the beginning of the line, and nothing on it. Source: ECMA-48, CR and EL.
    private static let erase = "\r\u{1b}[K"

    /// Shows a text in place of the last one.
    func show(_ new: String) {
        text.withLock { text in
            text = new
            StandardError.write("\(Self.erase)\(new)")
        }
    }

    /// Says a line above it.
    func say(_ line: String) {
        text.withLock { text in
            StandardError.write(text.isEmpty ? "\(line)\n" : "\(Self.erase)\(line)\n\(text)")
        }
    }

    /// Leaves what it shows on a line of its own.
    func clear() {
        text.withLock { text in
            if !text.isEmpty { StandardError.write("\n") }
            text = ""
        }
    }
}
