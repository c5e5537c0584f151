/// What the body of an answer may be compressed with, as its client says it: `Accept-Encoding`, RFC 9110 §12.5.3.
public enum ContentCoding {
    /// Whether gzip is acceptable and not less than to be left alone. A browser's `deflate` is not offered: whoever takes it takes gzip,
    /// and clients do not agree on what it is.
    public static func acceptsGzip(_ lines: [String]) -> Bool {
        var (gzip, others, identity): (Int?, Int?, Int?) = (nil, nil, nil)
        for item in lines.flatMap({ $0.split(separator: ",") }) {
            let parts = item.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
            guard let weight = weight(parts.dropFirst()) else { continue }
            switch parts[0].lowercased() {
            case "gzip", "x-gzip": gzip = max(gzip ?? 0, weight)
            case "*": others = weight
            case "identity": identity = weight
            default: break
            }
        }
        guard let weight = gzip ?? others, weight > 0 else { return false }
        return weight >= identity ?? 0
    }

    /// In thousandths, RFC 9110 §12.4.2; `nil` where it is none.
    private static func weight(_ parameters: ArraySlice<Substring>) -> Int? {
        guard let parameter = parameters.first else { return 1_000 }
        let parts = parameter.split(separator: "=", maxSplits: 1).map(trimmed)
        guard parameters.count == 1, parts.count == 2, parts[0].lowercased() == "q" else { return nil }
        let digits = parts[1].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = digits.first, whole == "0" || whole == "1" else { return nil }
        let fraction = digits.count > 1 ? digits[1] : ""
        guard fraction.utf8.count <= 3, fraction.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        let thousandths = Int(fraction + String(repeating: "0", count: 3 - fraction.utf8.count)) ?? 0
        if whole == "1" { return thousandths == 0 ? 1_000 : nil }
        return thousandths
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0 == " " || $0 == "\t" }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
