/** Where a task is on its server. */

/** What could be an id at all: anything else would lead to another path. */
export const isPossibleId = (id: string): boolean => /^(?!\.{1,2}$)[A-Za-z0-9._:-]{1,100}$/.test(id)

export const pathOf = (id: string, rest: "" | "/events" | "/cancel" = ""): string => `/tasks/${id}${rest}`
