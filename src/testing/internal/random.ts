/** Numbers in [0, 1) by xorshift32: the same for the same seed. */
export const randomFrom = (seed: number): (() => number) => {
  let state = (seed * 2654435761) >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 4294967296
  }
}
