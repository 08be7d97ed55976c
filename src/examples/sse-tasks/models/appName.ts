/** All sample models belong to one app. */
export const app = "samples"
