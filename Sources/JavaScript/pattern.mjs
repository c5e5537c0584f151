/** Whether a name is that of a channel, or a pattern that stands for a channel: `a/*` for one segment behind `a/`, `a/**` for any number of them. */
export function stands(name, channel) {
    const [, base, stars] = /^(|.*\/)(\*\*?)$/.exec(name) ?? [];
    const rest = channel.slice(base?.length);
    const isSystem = channel[0] === "$" && name[0] !== "$";
    return name === channel || rest && !isSystem && channel.startsWith(base) && (stars[1] || !rest.includes("/"));
}
