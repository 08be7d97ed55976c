/** Makes one value for each key, once: a metric finds its series by a key that takes longer to make than to count. */
export const remembered = <Key extends string, Args extends ReadonlyArray<unknown>, A>(
  keyOf: (...args: Args) => Key,
  make: (...args: Args) => A
): ((...args: Args) => A) => {
  const made = new Map<Key, A>()
  return (...args) => {
    const key = keyOf(...args)
    let found = made.get(key)
    if (found === undefined) made.set(key, (found = make(...args)))
    return found
  }
}
