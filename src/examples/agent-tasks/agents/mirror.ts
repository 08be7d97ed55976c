/** A page of the bundled origin that takes `ms` to arrive; the origin's ledger knows it by `name`. */
export const mirror = (origin: string, name: string, ms: number): string => `${origin}/file?mirror=${name}&ms=${ms}`
