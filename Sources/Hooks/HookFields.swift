public import Broker

/// The fields of a request to a backend: which hook it is, and that it is a node's and of now.
public enum HookFields {
    /// All of them, `Name: value`.
    public static func all(_ hook: HookName, _ policy: HookPolicy, body: [UInt8], seconds: UInt64) -> [String] {
        var fields = ["Perseid-Hook: \(hook.rawValue)"]
        guard !policy.secrets.isEmpty else { return fields }
        fields.append("Perseid-Timestamp: \(seconds)")
        let signature = HookSignature.text(policy.secrets, timestamp: seconds, hook: hook.rawValue, body: body)
        fields.append("Perseid-Signature: \(signature)")
        return fields
    }
}
