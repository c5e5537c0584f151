import Foundation
import Reactor
import Synchronization

/// A server that gives each connection, in turn, the next of some answers, whatever is asked; and then ends it. Behind the last answer the
/// client ends it: one that is cut off may come back before its command has worked off what it got. It notes what was asked.
final class ScriptedServer: Sendable {
    let port = Port.free()

    private let listener: Int32
    private let answers: Lock<[[UInt8]]>
    private let asked = Lock<[String]>([])

    /// Starts to listen. Beyond the last answer connections are ended without one.
    init(_ answers: [String]) throws {
        self.answers = Lock(answers.map { Array($0.utf8) })
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var on: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        let descriptor = listener
        guard Port.withLoopback(port, { bind(descriptor, $0, $1) }) == 0, listen(listener, 16) == 0 else {
            throw ChildProcess.Failure(description: "no server: error \(errno)")
        }
        Thread.detachNewThread { [weak self, listener] in
            while true {
                let connection = accept(listener, nil, nil)
                guard connection >= 0, let self else { return }
                serve(connection)
            }
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// The heads of the requests so far.
    var requests: [String] { asked.withLock { $0 } }

    private func serve(_ connection: Int32) {
        defer {
            // Ended and not only closed: a process that another test starts in this moment may have a copy of it.
            shutdown(connection, Int32(SHUT_WR))
            close(connection)
        }
        var head: [UInt8] = []
        var byte: UInt8 = 0
        while !head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            guard read(connection, &byte, 1) == 1 else { return }
            head.append(byte)
        }
        asked.withLock { $0.append(String(decoding: head, as: UTF8.self)) }
        guard let answer = answers.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return }
        var sent = 0
        while sent < answer.count {
            let count = answer[sent...].withUnsafeBytes {
                send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            sent += count
        }
        if answers.withLock({ $0.isEmpty }) { while read(connection, &byte, 1) > 0 {} }
    }
}
