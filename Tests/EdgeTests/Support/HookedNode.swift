import Broker
import Edge
import Foundation
import Hooks

/// A node that asks a backend: `hook/**` is left to it, `svc/*` are its services, `public/**` is for everyone, `room/*` for users, and
/// all else for nobody.
func withBackend(
    _ hooks: [HookName],
    _ change: (inout EdgeConfiguration) -> Void = { _ in },
    answer: @escaping @Sendable (HookBackend.Request) -> HookBackend.Reply,
    _ body: (TestNode, HookBackend) throws -> Void
) throws {
    let backend = try HookBackend(answer)
    defer { backend.stop() }
    try withNode {
        for hook in hooks {
            $0.hooks[hook] = HookPolicy(url: backend.url("/\(hook.rawValue)"))
            // Longer than a busy machine takes to answer.
            $0.hooks[hook]?.timeoutMilliseconds = 30_000
        }
        $0.apiKeys = ["a-key-for-tests"].map(APIKey.init(secret:))
        $0.presence = [ChannelPattern("**")!]
        func all(_ permission: Permission) -> [AccessAction: Permission] {
            Dictionary(uniqueKeysWithValues: AccessAction.allCases.map { ($0, permission) })
        }
        $0.rules = AccessRules(
            [
                ("hook/**", all(.hook)), ("svc/*", all(.hook)), ("service/*", all(.hook)), ("public/**", all(.anyone)),
                ("room/*", all(.users)),
            ]
            .map { AccessRules.Rule(channels: AccessPattern($0)!, permissions: $1) }
        )
        change(&$0)
    } _: { node in
        try body(node, backend)
    }
}
