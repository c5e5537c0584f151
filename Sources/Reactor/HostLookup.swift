internal import CReactor
internal import Synchronization

/// Finds the addresses of a host on a thread of its own: a name server that is silent must not stop one that has clients.
///
/// Thread: any. There is one question at a time, however often it is asked, so a silent name server costs one thread. Who
/// asks looks for the answer with each tick, which makes a name at most one tick slower than a number.
public final class HostLookup: Sendable {
    /// The addresses, in the order in which they are to be tried, or why there are none.
    public typealias Answer = Result<[Endpoint], HostLookupError>

    /// Asks and waits for the answer, however long that takes.
    public typealias Resolver = @Sendable (_ host: String, _ port: UInt16) -> Answer

    private enum State {
        case idle
        case underWay
        case answered(Answer)
    }

    private let state = Lock(State.idle)
    private let resolve: Resolver

    /// Makes a lookup; `resolver` is the system's, unless a test brings its own.
    public init(resolver: @escaping Resolver = HostLookup.askSystem) {
        resolve = resolver
    }

    /// Addresses of one name that are tried, at most: a name with more is not meant to be tried in turn.
    private static let endpointsMax = 16

    /// The endpoint that a number names, without asking anybody; `nil` for a name.
    public static func endpoint(number host: String, port: UInt16) -> Endpoint? {
        try? ask(host, port, isNumber: true).get().first
    }

    /// Asks the system, which may take as long as its name servers are silent. Source: `getaddrinfo(3)`.
    public static let askSystem: Resolver = { ask($0, $1, isNumber: false) }

    private static func ask(_ host: String, _ port: UInt16, isNumber: Bool) -> Answer {
        var found = [creactor_endpoint](repeating: creactor_endpoint(), count: endpointsMax)
        var reason: Int32 = 0
        let room = Int32(clamping: found.count)
        let count = creactor_resolve(host, String(port), isNumber ? 1 : 0, &found, room, &reason)
        guard count > 0 else {
            let text = String(cString: creactor_resolve_text(reason))
            return .failure(HostLookupError(description: "\(host) has no address: \(text)"))
        }
        return .success(found.prefix(Int(clamping: count)).map { Endpoint($0) })
    }

    /// Asks, unless a question is under way or its answer was not taken yet; says whether it does.
    @discardableResult
    public func begin(host: String, port: UInt16) -> Bool {
        let isNew = state.withLock {
            guard case .idle = $0 else { return false }
            $0 = .underWay
            return true
        }
        guard isNew else { return false }
        do throws(SystemError) {
            try ReactorThread.start(name: "lookup") { [self] in
                let answer = resolve(host, port)
                state.withLock { $0 = .answered(answer) }
            }
        } catch {
            state.withLock { $0 = .answered(.failure(HostLookupError(description: "\(error)"))) }
        }
        return true
    }

    /// Takes the answer, once it is there.
    public func take() -> Answer? {
        state.withLock {
            guard case .answered(let answer) = $0 else { return nil }
            $0 = .idle
            return answer
        }
    }
}

/// Why a host has no address.
public struct HostLookupError: Error, Sendable, CustomStringConvertible {
    /// In the system's words, with the host's name.
    public let description: String

    /// Makes an error; for resolvers other than the system's.
    public init(description: String) {
        self.description = description
    }
}
