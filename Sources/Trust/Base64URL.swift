internal import Foundation

/// Base64 as tokens have it, RFC 7515 §2: with `-` and `_`, without padding, and no two texts for the same bytes.
enum Base64URL {
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var standard: [UInt8] = []
        standard.reserveCapacity(text.count + 3)
        for byte in text {
            switch byte {
            case UInt8(ascii: "-"): standard.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): standard.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            default: standard.append(byte)
            }
        }
        let digits = standard.count
        while standard.count % 4 != 0 { standard.append(UInt8(ascii: "=")) }
        guard digits % 4 != 1, let data = Data(base64Encoded: Data(standard)) else { return nil }
        return data.base64EncodedData().elementsEqual(standard) ? Array(data) : nil
    }

    static func encode(_ bytes: some Collection<UInt8>) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
