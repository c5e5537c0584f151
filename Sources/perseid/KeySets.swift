import Broker
import Hooks
import Trust

/// Sets of keys that a command fetches, as a node keeps them.
enum KeySets {
    /// The keys at an address, or in words why there are none.
    static func fetch(_ url: String, _ limits: Limits) -> Result<[TokenKey], KeySetFault> {
        let call = HTTPCall(
            url: url,
            timeoutMilliseconds: limits.keySetTimeoutMilliseconds,
            answerBytesMax: limits.keySetBytesMax
        )
        switch call.perform() {
        case .failure(let error): return .failure(KeySetFault(reason: error.reason))
        case .success(let reply) where reply.status != 200:
            return .failure(KeySetFault(reason: "status \(reply.status)"))
        case .success(let reply):
            do {
                return .success(try Blocking.run { try await TokenKey.set(reply.body) })
            } catch {
                return .failure(KeySetFault(reason: "\(error)"))
            }
        }
    }
}

/// Why there are no keys.
struct KeySetFault: Error {
    let reason: String
}
