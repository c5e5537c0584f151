import Broker

extension ChannelPolicy {
    /// Reads `pattern=policy` or `pattern=policy:window`.
    init?(_ text: String) {
        guard let equals = text.lastIndex(of: "="), let pattern = ChannelPattern(String(text[..<equals])) else {
            return nil
        }
        let parts = text[text.index(after: equals)...].split(separator: ":", omittingEmptySubsequences: false)
        guard let policy = parts.first.flatMap({ SlowReaderPolicy(rawValue: String($0)) }), parts.count <= 2 else {
            return nil
        }
        var window: Int?
        if parts.count == 2 {
            guard let number = Int(parts[1]), (1...SettingTable.countMax).contains(number) else { return nil }
            window = number
        }
        self.init(pattern: pattern, slowReader: policy, windowBytesMax: window)
    }

    /// As it is written.
    var text: String { "\(pattern.text)=\(slowReader.rawValue)\(windowBytesMax.map { ":\($0)" } ?? "")" }
}
