/** What bounds names and commands of the namespace. */

/** Linux's NAME_MAX: a mount must be able to show every name. */
export const NAME_BYTES_MAX = 255
/** Names of one path; with the shortest names, Linux's PATH_MAX. */
export const NAMES_MAX = 2048
/** Linux's PATH_MAX. */
export const TARGET_BYTES_MAX = 4096
export const POLICY_BYTES_MAX = 64
/** Top-level names that mean something else: `/ipfs/<cid>` names a content. */
export const RESERVED_NAMES: readonly string[] = ['ipfs']

/** Items of one command: bounds what applying it takes, and its entry in the log. */
export const PUT_ITEMS_MAX = 1024
export const PRUNE_NAMES_MAX = 512
export const CLOSE_UPLOADS_MAX = 1024
/** A node that is gone for so long has given its uploads up. */
export const UPLOAD_TTL_MS_MAX = 7 * 24 * 3600 * 1000
