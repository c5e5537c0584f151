import Foundation
import PerseidClient
import Reactor
import Synchronization

/// Publishes lines as they come on standard input, many under way at a time, and prints the answer to each in its order.
///
/// Threads: one reads lines and hands them to the client, the caller's waits for answers and prints them. What the nodes do not take
/// makes the first one wait, and so whoever writes to it.
struct PublishLines: Sendable {
    let client: PerseidClient

    /// Lines, and bytes of them, that are under way at most.
    static let waitingCountMax = 8_192
    private static let waitingBytesMax = 16_777_216

    /// What became of the lines.
    struct Outcome {
        /// Lines that the cluster has.
        var published = 0
        /// Lines that were refused for good.
        var refused = 0
        /// Lines that were refused for now, or that no node answered.
        var deferred = 0
        /// Why there may be more lines that were not read.
        var inputFault: StandardInput.Fault?

        var count: Int { published + refused + deferred }

        /// As it is said at the end.
        var text: String {
            let parts = [(refused, "refused"), (deferred, "not taken for now, or not answered")].filter { $0.0 > 0 }
            return (["\(published) of \(count) lines acknowledged"] + parts.map { "\($0.0) \($0.1)" }).joined(
                separator: ", "
            )
        }
    }

    /// A line that is under way.
    private struct Line: Sendable {
        let publication: SentPublication
        let byteCount: Int
    }

    /// Publishes all there are.
    func run() throws -> Outcome {
        let window = Window(countMax: Self.waitingCountMax, bytesMax: Self.waitingBytesMax)
        let (lines, sink) = AsyncStream.makeStream(of: Line.self)
        let client = client
        let inputFault = Lock<StandardInput.Fault?>(nil)
        Thread.detachNewThread {
            var input = LineInput()
            do throws(StandardInput.Fault) {
                while let line = try input.next() {
                    window.enter(line.count)
                    sink.yield(Line(publication: client.send(line: line), byteCount: line.count))
                }
            } catch {
                inputFault.withLock { $0 = error }
            }
            sink.finish()
        }
        var outcome = try Blocking.run { await Self.answer(lines, window) }
        outcome.inputFault = inputFault.withLock { $0 }
        return outcome
    }

    private static func answer(_ lines: AsyncStream<Line>, _ window: Window) async -> Outcome {
        var outcome = Outcome()
        var said: Set<String> = []
        let meter = Meter { "\($0) lines answered, \($1)/s" }
        for await line in lines {
            do {
                let answer = try await line.publication.answer
                StandardOutput.write(answer.line + [UInt8(ascii: "\n")])
                note(answer.error, &outcome)
            } catch {
                let error = error as? PerseidError ?? PerseidError(message: "\(error)")
                // Said once, however many lines it is about.
                if said.insert(error.message).inserted { StandardError.say(error.advice) }
                note(error, &outcome)
            }
            meter.count()
            window.leave(line.byteCount)
        }
        ProgressLine.shared.clear()
        return outcome
    }

    private static func note(_ error: PerseidError?, _ outcome: inout Outcome) {
        switch error?.isTemporary {
        case nil: outcome.published += 1
        case true?: outcome.deferred += 1
        case false?: outcome.refused += 1
        }
    }
}

/// Lines of standard input that are not blank, without their line breaks.
private struct LineInput {
    /// The longest line, far above what nodes take. What follows a longer one is not read: there may be no line break in it at all.
    private static let lineBytesMax = 16_777_216

    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var bytes: [UInt8] = []
    private var place = 0
    /// How far no line break was found.
    private var searched = 0
    private var isEnded = false

    mutating func next() throws(StandardInput.Fault) -> [UInt8]? {
        while let line = try nextOfAll() {
            if line.contains(where: { !isBlank($0) }) { return line }
        }
        return nil
    }

    private func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0d }

    private mutating func nextOfAll() throws(StandardInput.Fault) -> [UInt8]? {
        while true {
            if let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { (place, searched) = (end + 1, end + 1) }
                return Array(bytes[place..<end])
            }
            searched = bytes.count
            if !isEnded, bytes.count - place > Self.lineBytesMax {
                StandardError.say("a line of more than \(Self.lineBytesMax) bytes: what follows is not read")
                isEnded = true
            }
            guard !isEnded else {
                defer { (bytes, place, searched) = ([], 0, 0) }
                return place < bytes.count ? Array(bytes[place...]) : nil
            }
            bytes.removeSubrange(..<place)
            (searched, place) = (searched - place, 0)
            let count = try StandardInput.read(into: &buffer)
            if count > 0 { bytes += buffer[..<count] } else { isEnded = true }
        }
    }
}

/// Lets in as much as there is room for; who comes while there is none waits.
private final class Window: Sendable {
    private struct Inside {
        var count = 0
        var byteCount = 0
    }

    private let countMax: Int
    private let bytesMax: Int
    private let inside = Lock(Inside())
    private let change = DispatchSemaphore(value: 0)

    init(countMax: Int, bytesMax: Int) {
        (self.countMax, self.bytesMax) = (countMax, bytesMax)
    }

    /// Waits for room, then takes it. One that is larger than all the room there is is let in alone. Only one thread comes in.
    func enter(_ byteCount: Int) {
        while !hasEntered(byteCount) { change.wait() }
    }

    private func hasEntered(_ byteCount: Int) -> Bool {
        inside.withLock { inside in
            guard inside.count < countMax, inside.count == 0 || inside.byteCount + byteCount <= bytesMax else {
                return false
            }
            inside.count += 1
            inside.byteCount += byteCount
            return true
        }
    }

    func leave(_ byteCount: Int) {
        inside.withLock { inside in
            inside.count -= 1
            inside.byteCount -= byteCount
        }
        change.signal()
    }
}
