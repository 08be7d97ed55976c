/** A gate as the checks see it: what is wrong when a run ends and somebody still waits there. */
export interface Held {
  readonly name: string
  readonly waiting: number
}

/** One sentence for each gate at which somebody waits in vain. */
export const heldBack = (gates: Iterable<Held>): ReadonlyArray<string> =>
  Array.from(gates)
    .filter(({ waiting }) => waiting > 0)
    .map(
      ({ name, waiting }) =>
        `gate "${name}" was left closed: ${waiting === 1 ? "1 fiber waits" : `${waiting} fibers wait`} there`
    )
