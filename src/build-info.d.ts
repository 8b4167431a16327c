// SPDX-License-Identifier: Apache-2.0
/** Constants that scripts/build.sh puts in. */
declare const BUILD_VERSION: string;
declare const BUILD_COMMIT: string;
