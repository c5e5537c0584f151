internal import Foundation

/// A JSON object as tokens and sets of keys have one: in UTF-8, and nothing in front of it (RFC 7519 §7.2, RFC 8259 §8.1). Foundation would
/// take one in UTF-16 or UTF-32 as well, which to another reader of the same bytes is none.
enum JSONObject {
    /// Its fields; `nil` if the bytes are none. Of a field that is there twice the last one counts.
    static func read(_ bytes: [UInt8]) -> [String: Any]? {
        let mark: [UInt8] = [0xef, 0xbb, 0xbf]
        // A NUL is nowhere in JSON but in the other encodings.
        guard !bytes.contains(0), !bytes.starts(with: mark), String(validating: bytes, as: UTF8.self) != nil else {
            return nil
        }
        return try? JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any]
    }
}
