# SPDX-License-Identifier: MIT
"""IAM: roles, policies and what hangs on them, by raw Query requests and the aws command line."""
import json
import os
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "lib"))
from aws import Cli  # noqa: E402
from iam import Iam, IamError, policy, trust  # noqa: E402
from virga import Virga  # noqa: E402

AWS_POLICY = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
ADMIN = "arn:aws:iam::aws:policy/AdministratorAccess"


class IamCase(unittest.TestCase):
    """One server for a class; every test has an account of its own."""
    accounts = 300000000000

    @classmethod
    def setUpClass(cls):
        cls.virga = Virga(settings={"floci.services.ecr.enabled": "false"})
        cls.addClassCleanup(cls.virga.cleanup)
        cls.virga.start()

    @classmethod
    def tearDownClass(cls):
        cls.virga.stop()

    def setUp(self):
        IamCase.accounts += 1
        self.account = str(IamCase.accounts)
        self.iam = Iam(self.virga, self.account)

    def arn(self, kind, name):
        return "arn:aws:iam::%s:%s/%s" % (self.account, kind, name)

    def fails(self, status, code, message, action, **params):
        with self.assertRaises(IamError) as caught:
            self.iam.call(action, params)
        got = caught.exception
        self.assertEqual((got.status, got.code, got.message), (status, code, message))
        self.assertEqual(got.type, "Sender")


class RoleTest(IamCase):
    def test_a_role_is_made_shown_and_gone(self):
        made = self.iam.role("app", Path="/team/", Description="it runs",
                             MaxSessionDuration=7200, Tags=[{"Key": "Env", "Value": "dev"}])
        self.assertRegex(made["RoleId"], r"^AROA[A-Z2-7]{17}$")
        self.assertEqual(made["Arn"], self.arn("role/team", "app"))
        self.assertRegex(made["CreateDate"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$")
        self.assertEqual(urllib.parse.unquote(made["AssumeRolePolicyDocument"]), trust())
        self.assertNotIn("{", made["AssumeRolePolicyDocument"])
        got = self.iam.GetRole(RoleName="app")["Role"]
        self.assertEqual({k: got[k] for k in made}, made)
        self.assertEqual((got["Description"], got["MaxSessionDuration"], got["Tags"]),
                         ("it runs", "7200", [{"Key": "Env", "Value": "dev"}]))
        listed = self.iam.ListRoles()["Roles"]
        self.assertEqual([r["RoleId"] for r in listed], [made["RoleId"]])
        self.assertNotIn("Tags", listed[0])
        self.iam.DeleteRole(RoleName="app")
        self.fails(404, "NoSuchEntity", "The role with name app cannot be found.", "GetRole",
                   RoleName="app")
        self.assertEqual(self.iam.ListRoles()["Roles"], "")

    def test_names_differ_by_more_than_case(self):
        self.iam.role("App")
        self.fails(409, "EntityAlreadyExists", "Role with name app already exists.", "CreateRole",
                   RoleName="app", AssumeRolePolicyDocument=trust())
        self.fails(404, "NoSuchEntity", "The role with name app cannot be found.", "GetRole",
                   RoleName="app")

    def test_accounts_do_not_see_each_other_and_regions_do_not_matter(self):
        self.iam.role("app")
        self.assertEqual(Iam(self.virga, "399999999999").ListRoles()["Roles"], "")
        self.assertEqual(
            Iam(self.virga, self.account, "eu-west-1").GetRole(RoleName="app")["Role"]["Arn"],
            self.arn("role", "app"))

    def test_updates(self):
        self.iam.role("app", Description="before")
        self.iam.UpdateRole(RoleName="app", MaxSessionDuration=3601)
        self.assertEqual(self.iam.GetRole(RoleName="app")["Role"]["Description"], "before")
        self.assertEqual(self.iam.UpdateRoleDescription(RoleName="app", Description="after")["Role"]
                         ["Description"], "after")
        self.iam.UpdateAssumeRolePolicy(RoleName="app", PolicyDocument=trust("ec2.amazonaws.com"))
        got = self.iam.GetRole(RoleName="app")["Role"]
        self.assertEqual(got["MaxSessionDuration"], "3601")
        self.assertIn("ec2.amazonaws.com", got["AssumeRolePolicyDocument"])

    def test_input_is_checked_in_iams_words(self):
        self.fails(400, "ValidationError", "The specified value for roleName is invalid. It must "
                   "contain only alphanumeric characters and/or the following: +=,.@_-",
                   "GetRole", RoleName="a b")
        self.fails(400, "ValidationError", "The specified value for path is invalid. It must begin "
                   "and end with / and contain only alphanumeric characters and/or / characters.",
                   "CreateRole", RoleName="a", Path="x", AssumeRolePolicyDocument=trust())
        self.fails(400, "ValidationError", "1 validation error detected: Value '%s' at 'roleName' "
                   "failed to satisfy constraint: Member must have length less than or equal to 64"
                   % ("r" * 65), "GetRole", RoleName="r" * 65)
        self.fails(400, "ValidationError", "1 validation error detected: Value null at "
                   "'assumeRolePolicyDocument' failed to satisfy constraint: Member must not be "
                   "null", "CreateRole", RoleName="a")
        self.fails(400, "InvalidAction", "Could not find operation MakeRole for version 2010-05-08",
                   "MakeRole")

    def test_trust_policies_are_checked(self):
        for document, message in (
                ("{", "This policy contains invalid Json"),
                (trust(Resource="*"), "Has prohibited field Resource"),
                (json.dumps({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}),
                 "Missing required field Principal"),
                (json.dumps({"Statement": [{"Effect": "Allow", "Principal": {"AWS": "nobody"},
                                            "Action": "sts:AssumeRole"}]}),
                 'Invalid principal in policy: "AWS":"nobody"'),
                (trust(Action="s3:GetObject"),
                 "AssumeRole policy may only specify STS AssumeRole actions.")):
            self.fails(400, "MalformedPolicyDocument", message, "CreateRole", RoleName="a",
                       AssumeRolePolicyDocument=document)
        self.fails(409, "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048",
                   "CreateRole", RoleName="a", AssumeRolePolicyDocument=trust(Sid="s" * 2048))

    def test_a_role_in_use_stays(self):
        self.iam.role("app")
        self.iam.AttachRolePolicy(RoleName="app", PolicyArn=AWS_POLICY)
        self.fails(409, "DeleteConflict", "Cannot delete entity, must detach all policies first.",
                   "DeleteRole", RoleName="app")
        self.iam.DetachRolePolicy(RoleName="app", PolicyArn=AWS_POLICY)
        self.iam.PutRolePolicy(RoleName="app", PolicyName="p", PolicyDocument=policy())
        self.fails(409, "DeleteConflict", "Cannot delete entity, must delete policies first.",
                   "DeleteRole", RoleName="app")
        self.iam.DeleteRolePolicy(RoleName="app", PolicyName="p")
        self.iam.CreateInstanceProfile(InstanceProfileName="box")
        self.iam.AddRoleToInstanceProfile(InstanceProfileName="box", RoleName="app")
        self.fails(409, "DeleteConflict",
                   "Cannot delete entity, must remove roles from instance profile first.",
                   "DeleteRole", RoleName="app")
        self.iam.RemoveRoleFromInstanceProfile(InstanceProfileName="box", RoleName="app")
        self.iam.DeleteRole(RoleName="app")

    def test_boundaries(self):
        own = self.iam.CreatePolicy(PolicyName="limit", PolicyDocument=policy())["Policy"]["Arn"]
        made = self.iam.role("app", PermissionsBoundary=own)
        self.assertEqual(made["PermissionsBoundary"], {"PermissionsBoundaryType": "Policy",
                                                       "PermissionsBoundaryArn": own})
        self.assertEqual(self.iam.GetPolicy(PolicyArn=own)["Policy"]["PermissionsBoundaryUsageCount"],
                         "1")
        self.fails(409, "DeleteConflict", "Cannot delete a policy attached to entities.",
                   "DeletePolicy", PolicyArn=own)
        self.iam.PutRolePermissionsBoundary(RoleName="app", PermissionsBoundary=ADMIN)
        self.assertEqual(self.iam.GetPolicy(PolicyArn=own)["Policy"]["PermissionsBoundaryUsageCount"],
                         "0")
        self.iam.DeleteRolePermissionsBoundary(RoleName="app")
        self.assertNotIn("PermissionsBoundary", self.iam.GetRole(RoleName="app")["Role"])
        self.fails(404, "NoSuchEntity", "Scope ARN: %s does not exist or is not attachable."
                   % self.arn("policy", "none"), "PutRolePermissionsBoundary", RoleName="app",
                   PermissionsBoundary=self.arn("policy", "none"))

    def test_tags(self):
        self.iam.role("app", Tags=[{"Key": "a", "Value": "1"}])
        self.iam.TagRole(RoleName="app", Tags=[{"Key": "A", "Value": "2"}, {"Key": "b", "Value": ""}])
        self.assertEqual(self.iam.ListRoleTags(RoleName="app")["Tags"],
                         [{"Key": "A", "Value": "2"}, {"Key": "b", "Value": ""}])
        self.iam.UntagRole(RoleName="app", TagKeys=["a"])
        self.assertEqual(self.iam.GetRole(RoleName="app")["Role"]["Tags"],
                         [{"Key": "b", "Value": ""}])
        self.fails(400, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are "
                   "case insensitive.", "TagRole", RoleName="app",
                   Tags=[{"Key": "x", "Value": "1"}, {"Key": "X", "Value": "2"}])
        self.fails(409, "LimitExceeded", "The number of tags has reached the maximum limit.",
                   "TagRole", RoleName="app",
                   Tags=[{"Key": "k%d" % i, "Value": ""} for i in range(50)])

    def test_pages(self):
        names = ["role-%02d" % i for i in range(25)]
        for name in names:
            self.iam.role(name, Path="/even/" if int(name[-2:]) % 2 == 0 else "/odd/")
        got, pages = self.iam.pages("ListRoles", "Roles", MaxItems=10)
        self.assertEqual(([r["RoleName"] for r in got], pages), (names, 3))
        got, _ = self.iam.pages("ListRoles", "Roles", MaxItems=4, PathPrefix="/odd/")
        self.assertEqual([r["RoleName"] for r in got], names[1::2])
        marker = self.iam.ListRoles(MaxItems=10)["Marker"]
        self.assertLessEqual(len(marker), 320)
        self.fails(400, "ValidationError", "Invalid Marker", "ListUsers", Marker=marker)

    def test_service_linked_roles(self):
        role = self.iam.CreateServiceLinkedRole(AWSServiceName="replication.ecr.amazonaws.com")["Role"]
        self.assertEqual(role["Arn"], self.arn("role/aws-service-role/replication.ecr.amazonaws.com",
                                               "AWSServiceRoleForECRReplication"))
        name = role["RoleName"]
        self.fails(400, "UnmodifiableEntity", "Cannot perform the operation on the protected role "
                   "'%s' - this role is only modifiable by AWS" % name, "DeleteRole", RoleName=name)
        self.fails(400, "InvalidInput", "Service role name %s has been taken in this account, please "
                   "try a different suffix." % name, "CreateServiceLinkedRole",
                   AWSServiceName="replication.ecr.amazonaws.com")
        task = self.iam.DeleteServiceLinkedRole(RoleName=name)["DeletionTaskId"]
        self.assertEqual(self.iam.GetServiceLinkedRoleDeletionStatus(DeletionTaskId=task)["Status"],
                         "SUCCEEDED")
        self.assertEqual(self.iam.ListRoles()["Roles"], "")

    def test_instance_profiles(self):
        self.iam.role("app")
        self.iam.role("other")
        made = self.iam.CreateInstanceProfile(InstanceProfileName="box")["InstanceProfile"]
        self.assertEqual((made["Roles"], made["Arn"]), ("", self.arn("instance-profile", "box")))
        self.iam.AddRoleToInstanceProfile(InstanceProfileName="box", RoleName="app")
        self.fails(409, "LimitExceeded",
                   "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
                   "AddRoleToInstanceProfile", InstanceProfileName="box", RoleName="other")
        got = self.iam.GetInstanceProfile(InstanceProfileName="box")["InstanceProfile"]
        self.assertEqual([r["RoleName"] for r in got["Roles"]], ["app"])
        self.assertEqual([p["InstanceProfileName"] for p in self.iam.ListInstanceProfilesForRole(
            RoleName="app")["InstanceProfiles"]], ["box"])
        self.fails(409, "DeleteConflict",
                   "Cannot delete entity, must remove roles from instance profile first.",
                   "DeleteInstanceProfile", InstanceProfileName="box")
        self.iam.RemoveRoleFromInstanceProfile(InstanceProfileName="box", RoleName="app")
        self.iam.DeleteInstanceProfile(InstanceProfileName="box")
        self.fails(404, "NoSuchEntity", "Instance Profile box cannot be found.",
                   "GetInstanceProfile", InstanceProfileName="box")


class PolicyTest(IamCase):
    def test_inline_policies(self):
        self.iam.role("app")
        for name in ("b", "a"):
            self.iam.PutRolePolicy(RoleName="app", PolicyName=name, PolicyDocument=policy("s3:Get*"))
        self.assertEqual(self.iam.ListRolePolicies(RoleName="app")["PolicyNames"], ["a", "b"])
        got = self.iam.GetRolePolicy(RoleName="app", PolicyName="a")
        self.assertEqual(json.loads(urllib.parse.unquote(got["PolicyDocument"])),
                         json.loads(policy("s3:Get*")))
        self.iam.DeleteRolePolicy(RoleName="app", PolicyName="a")
        self.fails(404, "NoSuchEntity", "The role policy with name a cannot be found.",
                   "GetRolePolicy", RoleName="app", PolicyName="a")
        self.fails(409, "LimitExceeded", "Maximum policy size of 10240 bytes exceeded for role app",
                   "PutRolePolicy", RoleName="app", PolicyName="c",
                   PolicyDocument=policy(*["s3:Get%04d" % i for i in range(1000)]))
        # White space does not count.
        self.iam.PutRolePolicy(RoleName="app", PolicyName="c", PolicyDocument=policy() + " " * 20000)

    def test_documents_are_checked(self):
        def statement(**members):
            return json.dumps({"Version": "2012-10-17", "Statement": [members]})
        for document, message in (
                ("{", "Syntax errors in policy."),
                ("null", "Syntax errors in policy."),
                ('{"Version":"2012-10-17","Statement":[]}', "Syntax errors in policy."),
                (statement(Effect="Allow", Action="s3:*", Resource="*", Colour="red"),
                 "Syntax errors in policy."),
                (statement(Effect="Perhaps", Action="s3:*", Resource="*"),
                 "Syntax errors in policy."),
                (statement(Effect="Allow", Action="s3:*", Resource="*", Condition={"Like": {}}),
                 "Syntax errors in policy."),
                (json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}),
                 "Policy document must be version 2012-10-17 or greater."),
                (statement(Effect="Allow", Resource="*"), "Policy statement must contain actions."),
                (statement(Effect="Allow", Action=[], Resource="*"),
                 "Policy statement must contain actions."),
                (statement(Effect="Allow", Action="s3:*"),
                 "Policy statement must contain resources."),
                (statement(Effect="Allow", Action="s3:*", Resource="*", Principal="*"),
                 "Policy document should not specify a principal."),
                (statement(Effect="Allow", Action="GetObject", Resource="*"),
                 "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
                (statement(Effect="Allow", Action="s3:*", Resource="bucket"),
                 'Resource bucket must be in ARN format or "*".'),
                (statement(Effect="Allow", Action="s3:*", Resource="arn:moon:s3:::b"),
                 'Partition "moon" is not valid for resource "arn:moon:s3:::b".'),
                (statement(Sid="a b", Effect="Allow", Action="s3:*", Resource="*"),
                 "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
                 "regular expression [0-9A-Za-z]*")):
            self.fails(400, "MalformedPolicyDocument", message, "CreatePolicy", PolicyName="p",
                       PolicyDocument=document)
        good = statement(Effect="Deny", NotAction=["iam:*"], NotResource="arn:aws:s3:::b/*", Condition={
            "ForAnyValue:StringLikeIfExists": {"aws:PrincipalTag/team": ["a*", "b"]},
            "Bool": {"aws:SecureTransport": "false"}})
        self.iam.CreatePolicy(PolicyName="p", PolicyDocument=good)

    def test_managed_policies_and_their_versions(self):
        made = self.iam.CreatePolicy(PolicyName="read", Path="/team/", Description="reads",
                                     PolicyDocument=policy("s3:Get*"))["Policy"]
        arn = self.arn("policy/team", "read")
        self.assertEqual((made["Arn"], made["DefaultVersionId"], made["AttachmentCount"],
                          made["IsAttachable"]), (arn, "v1", "0", "true"))
        self.assertRegex(made["PolicyId"], r"^ANPA[A-Z2-7]{17}$")
        self.fails(409, "EntityAlreadyExists", "A policy called read already exists. Duplicate names "
                   "are not allowed.", "CreatePolicy", PolicyName="read", PolicyDocument=policy())
        second = self.iam.CreatePolicyVersion(PolicyArn=arn, PolicyDocument=policy("s3:List*"))
        self.assertEqual((second["PolicyVersion"]["VersionId"],
                          second["PolicyVersion"]["IsDefaultVersion"]), ("v2", "false"))
        self.iam.SetDefaultPolicyVersion(PolicyArn=arn, VersionId="v2")
        self.assertEqual(self.iam.GetPolicy(PolicyArn=arn)["Policy"]["DefaultVersionId"], "v2")
        self.fails(409, "DeleteConflict", "Cannot delete the default version of a policy.",
                   "DeletePolicyVersion", PolicyArn=arn, VersionId="v2")
        self.fails(409, "DeleteConflict", "This policy has more than one version. Before you delete a "
                   "policy, you must delete the policy's versions. The default version is deleted "
                   "with the policy.", "DeletePolicy", PolicyArn=arn)
        for _ in range(3):
            self.iam.CreatePolicyVersion(PolicyArn=arn, PolicyDocument=policy(), SetAsDefault=True)
        self.fails(409, "LimitExceeded", "A managed policy can have up to 5 versions. Before you "
                   "create a new version, you must delete an existing version.",
                   "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=policy())
        versions = self.iam.ListPolicyVersions(PolicyArn=arn)["Versions"]
        self.assertEqual([(v["VersionId"], v["IsDefaultVersion"]) for v in versions],
                         [("v5", "true"), ("v4", "false"), ("v3", "false"), ("v2", "false"),
                          ("v1", "false")])
        got = self.iam.GetPolicyVersion(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
        self.assertEqual(json.loads(urllib.parse.unquote(got["Document"])),
                         json.loads(policy("s3:List*")))
        self.fails(404, "NoSuchEntity", "Policy %s version v9 does not exist or is not attachable."
                   % arn, "GetPolicyVersion", PolicyArn=arn, VersionId="v9")
        for version in ("v1", "v2", "v3", "v4"):
            self.iam.DeletePolicyVersion(PolicyArn=arn, VersionId=version)
        self.iam.DeletePolicy(PolicyArn=arn)
        self.fails(404, "NoSuchEntity", "Policy %s was not found." % arn, "GetPolicy", PolicyArn=arn)

    def test_attachments(self):
        self.iam.role("app")
        self.iam.CreateUser(UserName="ann")
        self.iam.CreateGroup(GroupName="devs")
        arn = self.iam.CreatePolicy(PolicyName="p", PolicyDocument=policy())["Policy"]["Arn"]
        for _ in range(2):
            self.iam.AttachRolePolicy(RoleName="app", PolicyArn=arn)
        self.iam.AttachUserPolicy(UserName="ann", PolicyArn=arn)
        self.iam.AttachGroupPolicy(GroupName="devs", PolicyArn=arn)
        self.iam.AttachRolePolicy(RoleName="app", PolicyArn=AWS_POLICY)
        self.assertEqual(self.iam.GetPolicy(PolicyArn=arn)["Policy"]["AttachmentCount"], "3")
        self.assertEqual(self.iam.ListAttachedRolePolicies(RoleName="app")["AttachedPolicies"],
                         [{"PolicyName": "p", "PolicyArn": arn},
                          {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": AWS_POLICY}])
        self.assertEqual(
            [p["PolicyName"] for p in self.iam.ListAttachedRolePolicies(
                RoleName="app", PathPrefix="/service-role/")["AttachedPolicies"]],
            ["AWSLambdaBasicExecutionRole"])
        users = self.iam.ListEntitiesForPolicy(PolicyArn=arn)
        self.assertEqual([[e[k] for e in users[l]] for l, k in (
            ("PolicyRoles", "RoleName"), ("PolicyUsers", "UserName"), ("PolicyGroups", "GroupName"))],
            [["app"], ["ann"], ["devs"]])
        self.assertEqual(self.iam.ListEntitiesForPolicy(PolicyArn=arn, EntityFilter="User")
                         ["PolicyRoles"], "")
        self.iam.DetachRolePolicy(RoleName="app", PolicyArn=arn)
        self.fails(404, "NoSuchEntity", "Policy %s was not found." % arn, "DetachRolePolicy",
                   RoleName="app", PolicyArn=arn)
        missing = self.arn("policy", "none")
        self.fails(404, "NoSuchEntity", "Policy %s does not exist or is not attachable." % missing,
                   "AttachRolePolicy", RoleName="app", PolicyArn=missing)
        self.fails(400, "InvalidInput", "ARN not-an-arn-of-any-kind is not valid.",
                   "AttachRolePolicy", RoleName="app", PolicyArn="not-an-arn-of-any-kind")
        for i in range(9):
            self.iam.AttachRolePolicy(RoleName="app",
                                      PolicyArn="arn:aws:iam::aws:policy/Some%d" % i)
        self.fails(409, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10",
                   "AttachRolePolicy", RoleName="app", PolicyArn=ADMIN)

    def test_policies_of_aws(self):
        got = self.iam.GetPolicy(PolicyArn=ADMIN)["Policy"]
        self.assertEqual((got["PolicyName"], got["Path"], got["DefaultVersionId"]),
                         ("AdministratorAccess", "/", "v1"))
        document = self.iam.GetPolicyVersion(PolicyArn=ADMIN, VersionId="v1")["PolicyVersion"]
        self.assertEqual(json.loads(urllib.parse.unquote(document["Document"]))["Statement"],
                         [{"Effect": "Allow", "Action": "*", "Resource": "*"}])
        other = "arn:aws:iam::aws:policy/ReadOnlyAccess"
        document = self.iam.GetPolicyVersion(PolicyArn=other, VersionId="v1")["PolicyVersion"]
        self.assertEqual(json.loads(urllib.parse.unquote(document["Document"]))["Statement"], [])
        self.fails(403, "AccessDenied", "%s is AWS's own policy: it cannot be changed." % ADMIN,
                   "DeletePolicy", PolicyArn=ADMIN)
        own = self.iam.CreatePolicy(PolicyName="own", PolicyDocument=policy())["Policy"]["Arn"]
        self.assertEqual([p["Arn"] for p in self.iam.ListPolicies(Scope="Local")["Policies"]], [own])
        everything, _ = self.iam.pages("ListPolicies", "Policies", MaxItems=3)
        aws, _ = self.iam.pages("ListPolicies", "Policies", Scope="AWS", MaxItems=4)
        self.assertEqual([p["Arn"] for p in everything], [own] + [p["Arn"] for p in aws])
        self.assertIn(AWS_POLICY, [p["Arn"] for p in aws])
        self.iam.role("app")
        self.iam.AttachRolePolicy(RoleName="app", PolicyArn=ADMIN)
        self.assertEqual([p["Arn"] for p in self.iam.ListPolicies(OnlyAttached=True)["Policies"]],
                         [ADMIN])


class UserTest(IamCase):
    def test_users_groups_and_membership(self):
        ann = self.iam.CreateUser(UserName="ann", Path="/people/",
                                  Tags=[{"Key": "t", "Value": "v"}])["User"]
        self.assertRegex(ann["UserId"], r"^AIDA[A-Z2-7]{17}$")
        devs = self.iam.CreateGroup(GroupName="devs")["Group"]
        self.assertRegex(devs["GroupId"], r"^AGPA[A-Z2-7]{17}$")
        for _ in range(2):
            self.iam.AddUserToGroup(GroupName="devs", UserName="ann")
        self.assertEqual([u["UserName"] for u in self.iam.GetGroup(GroupName="devs")["Users"]],
                         ["ann"])
        self.assertEqual([g["GroupName"] for g in self.iam.ListGroupsForUser(UserName="ann")
                          ["Groups"]], ["devs"])
        self.fails(409, "DeleteConflict", "Cannot delete entity, must remove users from group first.",
                   "DeleteGroup", GroupName="devs")
        self.iam.UpdateGroup(GroupName="devs", NewGroupName="makers", NewPath="/g/")
        self.iam.UpdateUser(UserName="ann", NewUserName="Anna")
        self.assertEqual([u["UserName"] for u in self.iam.GetGroup(GroupName="makers")["Users"]],
                         ["Anna"])
        self.assertEqual([g["Arn"] for g in self.iam.ListGroupsForUser(UserName="Anna")["Groups"]],
                         [self.arn("group/g", "makers")])
        self.iam.RemoveUserFromGroup(GroupName="makers", UserName="Anna")
        self.iam.DeleteGroup(GroupName="makers")
        self.iam.DeleteUser(UserName="Anna")
        self.assertEqual(self.iam.ListUsers()["Users"], "")

    def test_a_renamed_user_keeps_what_hangs_on_it(self):
        self.iam.CreateUser(UserName="ann", PermissionsBoundary=ADMIN)
        self.iam.AttachUserPolicy(UserName="ann", PolicyArn=AWS_POLICY)
        key = self.iam.CreateAccessKey(UserName="ann")["AccessKey"]["AccessKeyId"]
        self.iam.UpdateUser(UserName="ann", NewUserName="bob")
        self.assertEqual(self.iam.GetAccessKeyLastUsed(AccessKeyId=key)["UserName"], "bob")
        for arn in (AWS_POLICY, ADMIN):
            self.assertEqual([u["UserName"] for u in self.iam.ListEntitiesForPolicy(PolicyArn=arn)
                              ["PolicyUsers"]], ["bob"])
        self.iam.CreateUser(UserName="ann")
        self.fails(409, "EntityAlreadyExists", "User with name ann already exists.", "UpdateUser",
                   UserName="bob", NewUserName="ann")

    def test_access_keys(self):
        self.iam.CreateUser(UserName="ann")
        key = self.iam.CreateAccessKey(UserName="ann")["AccessKey"]
        self.assertRegex(key["AccessKeyId"], r"^AKIA[A-Z2-7]{16}$")
        self.assertRegex(key["SecretAccessKey"], r"^[A-Za-z0-9+/]{40}$")
        # The key leads to its account, in every service.
        ann = Iam(self.virga, key["AccessKeyId"])
        self.assertEqual(ann.GetUser()["User"]["Arn"], self.arn("user", "ann"))
        second = ann.CreateAccessKey()["AccessKey"]["AccessKeyId"]
        self.fails(409, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2",
                   "CreateAccessKey", UserName="ann")
        self.iam.UpdateAccessKey(UserName="ann", AccessKeyId=second, Status="Inactive")
        self.assertEqual([(k["AccessKeyId"], k["Status"]) for k in
                          self.iam.ListAccessKeys(UserName="ann")["AccessKeyMetadata"]],
                         [(key["AccessKeyId"], "Active"), (second, "Inactive")])
        with self.assertRaises(IamError) as caught:
            Iam(self.virga, second).GetUser()
        self.assertEqual((caught.exception.status, caught.exception.code),
                         (403, "InvalidClientTokenId"))
        self.fails(409, "DeleteConflict", "Cannot delete entity, must delete access keys first.",
                   "DeleteUser", UserName="ann")
        for access_key in (key["AccessKeyId"], second):
            self.iam.DeleteAccessKey(UserName="ann", AccessKeyId=access_key)
        self.fails(404, "NoSuchEntity", "The Access Key with id %s cannot be found." % second,
                   "GetAccessKeyLastUsed", AccessKeyId=second)
        self.iam.DeleteUser(UserName="ann")

    def test_the_callers_user_is_root(self):
        got = self.iam.GetUser()["User"]
        self.assertEqual((got["UserId"], got["Arn"]),
                         (self.account, "arn:aws:iam::%s:root" % self.account))
        self.fails(400, "ValidationError",
                   "Must specify userName when calling with non-User credentials",
                   "CreateAccessKey")

    def test_login_profiles_and_lists_of_what_is_not_made_here(self):
        self.iam.CreateUser(UserName="ann")
        self.fails(404, "NoSuchEntity", "Login Profile for User ann cannot be found.",
                   "GetLoginProfile", UserName="ann")
        self.iam.CreateLoginProfile(UserName="ann", Password="secret", PasswordResetRequired=True)
        self.assertEqual(self.iam.GetLoginProfile(UserName="ann")["LoginProfile"]
                         ["PasswordResetRequired"], "true")
        self.fails(409, "DeleteConflict", "Cannot delete entity, must delete login profile first.",
                   "DeleteUser", UserName="ann")
        self.iam.UpdateLoginProfile(UserName="ann", PasswordResetRequired=False)
        self.iam.DeleteLoginProfile(UserName="ann")
        for action, member in (("ListMFADevices", "MFADevices"),
                               ("ListSSHPublicKeys", "SSHPublicKeys"),
                               ("ListSigningCertificates", "Certificates")):
            self.assertEqual(self.iam.call(action, {"UserName": "ann"})[member], "")


class AccountTest(IamCase):
    def test_alias(self):
        alias = "team-" + self.account
        self.iam.CreateAccountAlias(AccountAlias="old-" + self.account)
        self.iam.CreateAccountAlias(AccountAlias=alias)
        self.assertEqual(self.iam.ListAccountAliases()["AccountAliases"], [alias])
        with self.assertRaises(IamError) as caught:
            Iam(self.virga, "388888888888").CreateAccountAlias(AccountAlias=alias)
        self.assertEqual(caught.exception.code, "EntityAlreadyExists")
        self.iam.DeleteAccountAlias(AccountAlias=alias)
        self.assertEqual(self.iam.ListAccountAliases()["AccountAliases"], "")

    def test_summary_counts(self):
        self.iam.role("a")
        self.iam.role("b")
        self.iam.CreateUser(UserName="u")
        summary = {e["key"]: e["value"] for e in self.iam.GetAccountSummary()["SummaryMap"]}
        self.assertEqual((summary["Roles"], summary["Users"], summary["Groups"],
                          summary["PolicySizeQuota"]), ("2", "1", "0", "6144"))

    def test_password_policy(self):
        self.fails(404, "NoSuchEntity", "The Password Policy with domain name %s cannot be found."
                   % self.account, "GetAccountPasswordPolicy")
        self.iam.UpdateAccountPasswordPolicy(MinimumPasswordLength=12, RequireNumbers=True)
        got = self.iam.GetAccountPasswordPolicy()["PasswordPolicy"]
        self.assertEqual((got["MinimumPasswordLength"], got["RequireNumbers"],
                          got["RequireSymbols"]), ("12", "true", "false"))
        self.iam.DeleteAccountPasswordPolicy()

    def test_authorization_details(self):
        self.iam.role("app")
        self.iam.PutRolePolicy(RoleName="app", PolicyName="p", PolicyDocument=policy())
        self.iam.AttachRolePolicy(RoleName="app", PolicyArn=ADMIN)
        self.iam.CreateUser(UserName="ann")
        self.iam.CreateGroup(GroupName="devs")
        self.iam.AddUserToGroup(GroupName="devs", UserName="ann")
        self.iam.CreatePolicy(PolicyName="own", PolicyDocument=policy())
        got = self.iam.GetAccountAuthorizationDetails()
        self.assertEqual(got["IsTruncated"], "false")
        role = got["RoleDetailList"][0]
        self.assertEqual((role["RolePolicyList"][0]["PolicyName"],
                          role["AttachedManagedPolicies"][0]["PolicyArn"]), ("p", ADMIN))
        self.assertEqual(got["UserDetailList"][0]["GroupList"], ["devs"])
        self.assertEqual([p["PolicyName"] for p in got["Policies"]], ["own"])
        # The same over pages of one.
        seen, marker = [], {}
        while True:
            page = self.iam.GetAccountAuthorizationDetails(MaxItems=1, **marker)
            for member, name in (("UserDetailList", "UserName"), ("GroupDetailList", "GroupName"),
                                 ("RoleDetailList", "RoleName"), ("Policies", "PolicyName")):
                seen += [e[name] for e in page[member] or []]
            if page["IsTruncated"] != "true":
                break
            marker = {"Marker": page["Marker"]}
        self.assertEqual(seen, ["ann", "devs", "app", "own"])
        only = self.iam.GetAccountAuthorizationDetails(Filter=["AWSManagedPolicy"])
        self.assertEqual((only["RoleDetailList"], only["UserDetailList"]), ("", ""))
        self.assertIn(ADMIN, [p["Arn"] for p in only["Policies"]])

    def test_providers(self):
        arn = self.iam.CreateOpenIDConnectProvider(
            Url="https://token.example.com/a", ClientIDList=["one"],
            ThumbprintList=["0" * 40])["OpenIDConnectProviderArn"]
        self.assertEqual(arn, self.arn("oidc-provider", "token.example.com/a"))
        self.iam.AddClientIDToOpenIDConnectProvider(OpenIDConnectProviderArn=arn, ClientID="two")
        got = self.iam.GetOpenIDConnectProvider(OpenIDConnectProviderArn=arn)
        self.assertEqual((got["Url"], got["ClientIDList"]), ("token.example.com/a", ["one", "two"]))
        self.assertEqual(self.iam.ListOpenIDConnectProviders()["OpenIDConnectProviderList"],
                         [{"Arn": arn}])
        self.iam.DeleteOpenIDConnectProvider(OpenIDConnectProviderArn=arn)
        self.fails(404, "NoSuchEntity", "OpenIDConnect Provider not found for arn %s" % arn,
                   "GetOpenIDConnectProvider", OpenIDConnectProviderArn=arn)
        saml = self.iam.CreateSAMLProvider(Name="corp", SAMLMetadataDocument="x" * 1000)
        self.assertEqual(saml["SAMLProviderArn"], self.arn("saml-provider", "corp"))
        self.assertEqual(self.iam.GetSAMLProvider(SAMLProviderArn=saml["SAMLProviderArn"])
                         ["SAMLMetadataDocument"], "x" * 1000)


class CliTest(IamCase):
    def test_the_command_line_makes_a_role_for_a_function(self):
        cli = Cli(self.virga, account=self.account, service="iam")
        made = cli.json("create-role", "--role-name", "fn", "--assume-role-policy-document", trust())
        self.assertEqual(made["Role"]["AssumeRolePolicyDocument"], json.loads(trust()))
        cli.text("attach-role-policy", "--role-name", "fn", "--policy-arn", AWS_POLICY)
        cli.text("put-role-policy", "--role-name", "fn", "--policy-name", "p", "--policy-document",
                 policy())
        self.assertEqual(cli.json("get-role-policy", "--role-name", "fn", "--policy-name", "p")
                         ["PolicyDocument"], json.loads(policy()))
        self.assertEqual(cli.json("list-attached-role-policies", "--role-name", "fn"), {
            "AttachedPolicies": [{"PolicyName": "AWSLambdaBasicExecutionRole",
                                  "PolicyArn": AWS_POLICY}]})
        code, _, err = cli.run("delete-role", "--role-name", "fn")
        self.assertNotEqual(code, 0)
        self.assertIn("An error occurred (DeleteConflict) when calling the DeleteRole operation: "
                      "Cannot delete entity, must detach all policies first.", err)
        self.assertEqual(len(cli.json("list-policies", "--scope", "AWS", "--page-size", "2")
                             ["Policies"]),
                         len(self.iam.ListPolicies(Scope="AWS")["Policies"]))
        cli.text("get-account-summary")
        cli.text("get-account-authorization-details")

    def test_everything_outlives_a_crash(self):
        self.iam.role("app")
        self.iam.AttachRolePolicy(RoleName="app", PolicyArn=ADMIN)
        self.iam.role("next")
        marker = self.iam.ListRoles(MaxItems=1)["Marker"]
        self.virga.kill9()
        self.virga.start()
        self.assertEqual(self.iam.ListAttachedRolePolicies(RoleName="app")["AttachedPolicies"],
                         [{"PolicyName": "AdministratorAccess", "PolicyArn": ADMIN}])
        self.assertEqual([r["RoleName"] for r in self.iam.ListRoles(Marker=marker)["Roles"]],
                         ["next"])


class StsTest(IamCase):
    """STS asks IAM whom a key stands for and whether a role is there."""

    def sts(self, key=None, token=None):
        return Cli(self.virga, account=key or self.account, service="sts", session_token=token)

    def assume(self, name, *more):
        return self.sts().run("assume-role", "--role-arn", self.arn("role", name),
                              "--role-session-name", "me", *more)

    def test_an_assumed_role_has_the_id_of_the_role(self):
        role = self.iam.role("app")
        code, out, err = self.assume("app")
        self.assertEqual(code, 0, err)
        self.assertEqual(json.loads(out)["AssumedRoleUser"]["AssumedRoleId"], role["RoleId"] + ":me")
        code, _, err = self.assume("app", "--duration-seconds", "7200")
        self.assertIn("(ValidationError) when calling the AssumeRole operation: The requested "
                      "DurationSeconds exceeds the MaxSessionDuration set for this role.", err)
        self.assertEqual(self.assume("none")[0], 0)

    def test_a_users_key_is_the_user(self):
        user = self.iam.CreateUser(UserName="ann", Path="/people/")["User"]
        key = self.iam.CreateAccessKey(UserName="ann")["AccessKey"]["AccessKeyId"]
        self.assertEqual(self.sts(key).json("get-caller-identity"), {
            "UserId": user["UserId"], "Account": self.account, "Arn": user["Arn"]})
        given = self.sts(key).json("get-session-token")["Credentials"]
        self.assertEqual(self.sts(given["AccessKeyId"], given["SessionToken"])
                         .json("get-caller-identity")["Arn"], user["Arn"])
        self.iam.DeleteAccessKey(UserName="ann", AccessKeyId=key)
        self.assertIn("(InvalidClientTokenId)", self.sts(key).run("get-caller-identity")[2])


class EnforceTest(StsTest):
    """The same where floci.auth.mode says that roles must be there."""

    @classmethod
    def setUpClass(cls):
        cls.virga = Virga(settings={"floci.services.ecr.enabled": "false",
                                    "floci.auth.mode": "enforce"})
        cls.addClassCleanup(cls.virga.cleanup)
        cls.virga.start()

    def test_an_assumed_role_has_the_id_of_the_role(self):
        self.iam.role("app")
        self.assertEqual(self.assume("app")[0], 0)
        code, _, err = self.assume("none")
        self.assertNotEqual(code, 0)
        self.assertIn("(AccessDenied) when calling the AssumeRole operation: User: arn:aws:iam::%s:"
                      "root is not authorized to perform: sts:AssumeRole on resource: %s"
                      % (self.account, self.arn("role", "none")), err)


if __name__ == "__main__":
    unittest.main()
