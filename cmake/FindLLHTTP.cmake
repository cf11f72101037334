# SPDX-License-Identifier: MIT
# Finds llhttp as LLHTTP::llhttp: a library where the system has one (Debian 13, Fedora, Alpine, Homebrew), else
# the C sources that Debian 12 ships in node-llhttp, built static and hidden.
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp PATH_SUFFIXES llhttp)
find_library(LLHTTP_LIBRARY llhttp)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)

include(FindPackageHandleStandardArgs)
if(LLHTTP_LIBRARY)
    find_package_handle_standard_args(LLHTTP REQUIRED_VARS LLHTTP_LIBRARY LLHTTP_INCLUDE_DIR)
else()
    find_package_handle_standard_args(LLHTTP
        REASON_FAILURE_MESSAGE "install libllhttp-dev, or node-llhttp on Debian 12"
        REQUIRED_VARS LLHTTP_SOURCE_DIR LLHTTP_INCLUDE_DIR)
endif()

if(LLHTTP_FOUND AND NOT TARGET LLHTTP::llhttp)
    if(LLHTTP_LIBRARY)
        add_library(LLHTTP::llhttp UNKNOWN IMPORTED)
        set_target_properties(LLHTTP::llhttp PROPERTIES IMPORTED_LOCATION "${LLHTTP_LIBRARY}"
            INTERFACE_INCLUDE_DIRECTORIES "${LLHTTP_INCLUDE_DIR}")
    else()
        add_library(virga_llhttp STATIC "${LLHTTP_SOURCE_DIR}/llhttp.c" "${LLHTTP_SOURCE_DIR}/api.c"
            "${LLHTTP_SOURCE_DIR}/http.c")
        target_include_directories(virga_llhttp SYSTEM PUBLIC "${LLHTTP_INCLUDE_DIR}")
        set_target_properties(virga_llhttp PROPERTIES C_VISIBILITY_PRESET hidden
            POSITION_INDEPENDENT_CODE ON C_CLANG_TIDY "")
        target_compile_options(virga_llhttp PRIVATE -O2 -w)
        add_library(LLHTTP::llhttp ALIAS virga_llhttp)
    endif()
endif()
mark_as_advanced(LLHTTP_INCLUDE_DIR LLHTTP_LIBRARY LLHTTP_SOURCE_DIR)
