# SPDX-License-Identifier: MIT
# virga_add_plugin(): one way to build a plugin, inside virga's tree and outside of it.
include_guard(GLOBAL)

# virga_add_plugin(<name> SOURCES <file>... [LIBRARIES <target>...] [HELPERS] [NO_INSTALL])
#
# Builds the module <name>.so, which exports virga_plugin_v1 and nothing else, and installs it to
# lib/virga/plugins, where the host of the same prefix looks. Every symbol must be found at link time.
# HELPERS links virga::helpers (and json-c). VIRGA_PLUGIN_OUTPUT_DIR, when set, is where the build puts it.
function(virga_add_plugin name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "HELPERS;NO_INSTALL" "" "SOURCES;LIBRARIES")
    if(arg_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "virga_add_plugin(${name}): unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
    endif()
    if(NOT arg_SOURCES)
        message(FATAL_ERROR "virga_add_plugin(${name}): no SOURCES")
    endif()
    if(arg_HELPERS AND NOT TARGET virga::helpers)
        message(FATAL_ERROR "virga_add_plugin(${name}): HELPERS needs json-c (libjson-c-dev)")
    endif()

    set(map "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map")
    add_library(${name} MODULE ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE virga::sdk ${arg_LIBRARIES} $<$<BOOL:${arg_HELPERS}>:virga::helpers>)
    if(TARGET virga_options)
        target_link_libraries(${name} PRIVATE virga_options)
    endif()
    set_target_properties(${name} PROPERTIES PREFIX "" SUFFIX ".so" LINK_DEPENDS "${map}"
        C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
    target_link_options(${name} PRIVATE "LINKER:--version-script=${map}")
    # Clang leaves the sanitizer's own symbols to the program, so there they are undefined by design.
    if(NOT (VIRGA_SANITIZE AND CMAKE_C_COMPILER_ID MATCHES "Clang"))
        target_link_options(${name} PRIVATE "LINKER:-z,defs")
    endif()
    if(VIRGA_PLUGIN_OUTPUT_DIR)
        set_target_properties(${name} PROPERTIES LIBRARY_OUTPUT_DIRECTORY "${VIRGA_PLUGIN_OUTPUT_DIR}")
    endif()
    if(NOT arg_NO_INSTALL)
        install(TARGETS ${name} LIBRARY DESTINATION lib/virga/plugins)
    endif()
endfunction()
