/* SPDX-License-Identifier: MIT */
/* virga --version. */
#include <curl/curl.h>
#include <json-c/json.h>
#include <llhttp.h>
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <yaml.h>

#include "cli.h"

void cli_version(void) {
    int yaml_major, yaml_minor, yaml_patch;
    yaml_get_version(&yaml_major, &yaml_minor, &yaml_patch);
    printf("virga %s (plugin ABI %d.%d)\n", HOST_VERSION, VIRGA_ABI_MAJOR, VIRGA_ABI_MINOR);
    printf(
        "libuv %s, llhttp %d.%d.%d, curl %s, SQLite %s, OpenSSL %s, json-c %s, libyaml %d.%d.%d\n",
        uv_version_string(), LLHTTP_VERSION_MAJOR, LLHTTP_VERSION_MINOR, LLHTTP_VERSION_PATCH,
        curl_version_info(CURLVERSION_NOW)->version, sqlite3_libversion(),
        OpenSSL_version(OPENSSL_VERSION_STRING), json_c_version(), yaml_major, yaml_minor,
        yaml_patch);
}
