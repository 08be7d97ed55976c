/** Ids that nobody can guess: who knows that of a task may read and cancel it. */
export const newId = (): string => crypto.randomUUID()
